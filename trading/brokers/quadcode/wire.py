"""The envelope: JSON objects over a WebSocket, both ways.

Reading is lenient: what is not known is passed over. What is read for money stays `Decimal`.
"""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson

REFUSED: Final = 4000  # status from here on: the request was refused
CENT: Final = Decimal("0.01")
FAILED: Final = 5000  # status from here on: the broker failed, so nothing is known


@dataclass(frozen=True, slots=True)
class Frame:
    name: str
    msg: Any
    request_id: str
    status: int
    service: str  # where an event comes from


def write(name: str, request_id: str, msg: object) -> str:
    return orjson.dumps({"name": name, "request_id": request_id, "msg": msg}).decode()


def read(text: str | bytes) -> Frame | None:
    """None for what is no frame."""
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        return None
    return Frame(
        name=found["name"],
        msg=found.get("msg"),
        request_id=str(found.get("request_id") or ""),
        status=whole(found.get("status")) or 0,
        service=str(found.get("microserviceName") or ""),
    )


def _no_number(name: str) -> None:
    raise ValueError(name)


def whole(value: object) -> int | None:
    """An integer, also one that is written as a text or with a fraction of nought."""
    number = money(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def money(value: object) -> Decimal | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 20 else None


def price(value: object) -> float | None:
    """A price above nought."""
    number = money(value)
    return float(number) if number is not None and number > 0 else None


def inside(value: object, *keys: str) -> Any:
    """What lies at the end of the keys; None where one of them is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def rows(value: object) -> list[dict[str, Any]]:
    """The objects of a list, or of the values of an object."""
    found = list(value.values()) if isinstance(value, dict) else value
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def words_of(msg: object) -> str:
    """The sentence of a refusal: a `message`, a list of them, or a map field → sentences."""
    if isinstance(msg, dict):
        said = msg.get("message") or msg.get("reason") or ""
        if not said:
            said = "; ".join(f"{key}: {value}" for key, value in msg.items())
        return str(said)[:500]
    return str(msg)[:500]
