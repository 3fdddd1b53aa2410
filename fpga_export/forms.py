"""What is asked of a run, read from JSON or a form and checked."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework.request import Request

from fpga_export.core.fault_config import MESSAGES, BadFaultConfig, read_config
from fpga_export.core.faults import KINDS, TARGETS
from fpga_export.core.precision import AUTO
from fpga_export.core.vhdl.figures import PRESETS
from fpga_export.refusals import BadFaults, BadInput, NoFile
from visionai.lib.parsing import is_sound

PICTURE_BYTES: Final = 10 * 2**20
MOST_ENTRIES: Final = 200
PICTURE_FIELDS: Final = ("file", "image")
TEXT_FIELDS: Final = ("input_data", "image_data", "image", "file")


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture as bytes or as numbers, and settings."""

    network: str = ""
    picture: bytes | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    pack: bytes | None = None


def body_of(request: Request) -> Mapping[str, Any]:
    """The fields. Raises `BadInput` where JSON is not an object."""
    data = request.data
    if not isinstance(data, Mapping):
        raise BadInput(reason=_("Send an object."))
    # The parser has looked at JSON; a form's fields come as lists of texts.
    if isinstance(data, QueryDict) and not is_sound(dict(data.lists())):
        raise BadInput(reason=_("A field has a sign that no text may have."))
    return data


def with_picture(request: Request, settings: dict[str, Any]) -> Asked:
    """The picture and the network that a request names. Raises `BadInput` and `NoFile`."""
    body = body_of(request)
    network = str(body.get("model_path") or body.get("network") or "")
    for name in PICTURE_FIELDS:
        if name in request.FILES:
            file = request.FILES[name]
            if file.size > PICTURE_BYTES:
                raise BadInput(reason=_("The picture is larger than 10 MB."))
            return Asked(network, bytes(file.read()), settings)
    for name in TEXT_FIELDS:
        value = body.get(name)
        if isinstance(value, str) and value:
            return Asked(network, _decoded(value), settings)
        if isinstance(value, list):
            return Asked(network, None, settings | {"array": value})
    raise NoFile


def _decoded(text: str) -> bytes:
    _head, _comma, tail = text.rpartition(",")
    try:
        data = base64.b64decode("".join(tail.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(reason=_("The picture is not valid base64.")) from error
    if len(data) > PICTURE_BYTES:
        raise BadInput(reason=_("The picture is larger than 10 MB."))
    return data


def whole_number(body: Mapping[str, Any], name: str, default: int, low: int, high: int) -> int:
    """A field within limits. Raises `BadInput`."""
    value = body.get(name, default)
    try:
        number = int(str(value))
    except ValueError as error:
        raise BadInput(reason=_("{name} is a whole number.").format(name=name)) from error
    if not low <= number <= high:
        told = _("{name} is between {low} and {high}.").format(name=name, low=low, high=high)
        raise BadInput(reason=told)
    return number


def image_settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Size and colours of a picture to be written as VHDL."""
    wanted = str(body.get("output_format", "") or body.get("color", "")).lower()
    return {
        "width": whole_number(body, "width", 32, 1, 1024),
        "height": whole_number(body, "height", 32, 1, 1024),
        "gray": wanted not in {"rgb", "color", "rgb888"},
        "way": "crop" if body.get("way") == "crop" else "resize",
    }


def design_settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Preset, lanes and bits of a core. Raises `BadInput`."""
    preset = str(body.get("preset") or "compact")
    if preset not in PRESETS:
        raise BadInput(reason=f"preset: {', '.join(PRESETS)}")
    chosen = body.get("bits") == AUTO
    return {
        "preset": preset,
        "lanes": whole_number(body, "lanes", 4, 1, 16),
        "bits": AUTO if chosen else whole_number(body, "bits", 8, 2, 16),
    }


def fault_config(given: object) -> dict[str, Any]:
    """A fault configuration, as JSON or as its text, with defaults filled in.

    Raises `BadFaults` with every mistake.
    """
    if isinstance(given, str):
        try:
            given = json.loads(given)
            sound = is_sound(given)
        except (ValueError, RecursionError) as error:
            raise BadInput(reason=_("fault_config is not JSON.")) from error
        if not sound:
            raise BadInput(reason=_("A field has a sign that no text may have."))
    try:
        return read_config(given).as_json()
    except BadFaultConfig as refusal:
        mistakes = [{"path": one.path, "code": one.code} for one in refusal.mistakes]
        told = "; ".join(f"{one.path}: {_(MESSAGES[one.code])}" for one in refusal.mistakes)
        raise BadFaults(reason=told, mistakes=mistakes) from refusal


def fault_settings(body: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
    """The faults of one inference: those that are sent, else the saved ones."""
    given = body.get("fault_config")
    config = fault_config(dict(saved) if given in (None, "") else given)
    return {"fault_config": config, "confirm": truth(body.get("confirm"))}


def fault_form_settings(body: Mapping[str, Any], layers: Sequence[str]) -> dict[str, Any]:
    """What the page's form asks for: one kind of fault on one layer, or on each of `layers`."""
    text = str(body.get("rate") or "0").replace(",", ".")
    try:
        rate: float | str = float(text)
    except ValueError:
        rate = text
    entry = {
        "fault_type": body.get("fault_type"),
        "target": body.get("target"),
        "fault_rate": rate,
    }
    chosen = [str(body["layer"])] if body.get("layer") else layers
    seed = whole_number(body, "seed", 0, 0, 2**31 - 1)
    config = {"enabled": True, "seed": seed, "layers": dict.fromkeys(chosen, entry)}
    return {"fault_config": fault_config(config), "confirm": truth(body.get("confirm"))}


def campaign_settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """A campaign's plan. Lists may be sent as lists or with commas."""
    kinds, target = texts(body, "kinds") or ["bit_flip"], str(body.get("target") or "weights")
    if not set(kinds) <= set(KINDS):
        raise BadInput(reason=f"kinds: {', '.join(KINDS)}")
    if target not in TARGETS:
        raise BadInput(reason=f"target: {', '.join(TARGETS)}")
    try:
        rates = [float(one) for one in texts(body, "rates")]
    except ValueError as error:
        raise BadInput(reason=_("rates are numbers from 0 to 1.")) from error
    if not all(0 <= rate <= 1 for rate in rates):
        raise BadInput(reason=_("rates are numbers from 0 to 1."))
    return {
        "kinds": kinds,
        "target": target,
        "layers": texts(body, "layers"),
        "rates": rates,
        "hits": whole_number(body, "hits", 1, 1, 10**6),
        "each_bit": truth(body.get("each_bit", True)),
        "runs": whole_number(body, "runs", 10, 1, 1000),
        "seed": whole_number(body, "seed", 0, 0, 2**31 - 1),
        "confirm": truth(body.get("confirm")),
    }


def texts(body: Mapping[str, Any], name: str) -> list[str]:
    """A field's entries, at most 200. Raises `BadInput`."""
    value = body.get(name) or []
    several = getattr(body, "getlist", None)
    if several is not None:
        value = several(name)
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise BadInput(reason=_("{name} is a list.").format(name=name))
    found = [part.strip() for one in value for part in str(one).split(",") if part.strip()]
    if len(found) > MOST_ENTRIES:
        raise BadInput(reason=_("{name} has too many entries.").format(name=name))
    return found


def truth(value: object) -> bool:
    """Whether a field says yes."""
    return str(value).lower() in {"true", "1", "on", "yes"}
