"""A pack in a request: a file, its text in JSON, or a list of pictures."""

import base64
import binascii
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from rest_framework.request import Request

from fpga_export.core.pack import PACK_BYTES
from fpga_export.forms import Asked, body_of, whole_number, with_picture
from fpga_export.refusals import BadInput, NoFile

Files = MultiValueDict[str, Any]
MOST_SHARE: Final = 90  # percent of a pack that may calibrate: the rest judges


def with_pack(request: Request, settings: dict[str, Any]) -> Asked:
    """The picture, the pack or both that a request has. Raises `BadInput` and `NoFile`."""
    body = body_of(request)
    pack = pack_in(request.FILES, body)
    settings = settings | calibration_settings(body)
    try:
        return replace(with_picture(request, settings), pack=pack)
    except NoFile:
        if pack is None:
            raise
    network = str(body.get("model_path") or body.get("network") or "")
    return Asked(network, None, settings, pack)


def calibration_settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """How many percent of the pack calibrate."""
    return {"calibrate": whole_number(body, "calibrate", 0, 0, MOST_SHARE)}


def pack_in(files: Files, body: Mapping[str, Any]) -> bytes | None:
    """The pack's file, whatever is in it; none where none was sent. Raises `BadInput`."""
    pictures = [one for one in files.getlist("pictures") if one.size]
    file, text = files.get("pack"), body.get("pack")
    if file is not None and pictures:
        raise BadInput(reason=_("Send a pack or pictures, not both."))
    if pictures:
        return _zipped(pictures)
    if file is not None:
        _fits(file.size or 0)
        return bytes(file.read())
    if not isinstance(text, str) or not text:
        return None
    try:
        data = base64.b64decode("".join(text.rpartition(",")[2].split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(reason=_("The pack is not valid base64.")) from error
    _fits(len(data))
    return data


def _zipped(pictures: Sequence[Any]) -> bytes:
    """Pictures without labels; their own names are not needed."""
    _fits(sum(one.size or 0 for one in pictures))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for number, one in enumerate(pictures):
            archive.writestr(f"{number:05d}.jpg", one.read())
    return made.getvalue()


def _fits(size: int) -> None:
    if size > PACK_BYTES:
        raise BadInput(reason=_("The pack is larger than 50 MB."))
