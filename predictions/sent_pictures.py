"""The one picture that a request of the API brings."""

from rest_framework.request import Request

from predictions.core.images import MESSAGES, STANDARD
from predictions.core.reading import Failed
from predictions.letters import unpack_base64
from predictions.refusals import NoPicture, PictureRefused

AROUND = 64 * 1024  # bytes that a form or a JSON document may have around its picture
KEYS = ("image", "file", "image_data", "image_base64")  # where a JSON body may hold the picture


def picture_of(request: Request) -> bytes:
    """The bytes of its picture: a form's file, or base64 in JSON.

    Raises `NoPicture` or `PictureRefused`.
    """
    written = (request.content_type or "").startswith("application/json")
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdecimal():  # refuse by the announced length, before anything is parsed
        most = STANDARD.bytes * 4 // 3 if written else STANDARD.bytes
        _check_size(int(length), most + AROUND)
    if not written:
        if "file" not in request.FILES:
            raise NoPicture
        file = request.FILES["file"]
        _check_size(file.size, STANDARD.bytes)
        return bytes(file.read())
    body = request.data if isinstance(request.data, dict) else {}
    text = next((body[key] for key in KEYS if isinstance(body.get(key), str)), None)
    if text is None:
        raise NoPicture
    return unpack_base64(text)


def _check_size(size: int, most: int) -> None:
    if size > most:
        facts = {"limit": STANDARD.bytes}
        raise PictureRefused(Failed("too_large", MESSAGES["too_large"], facts))
