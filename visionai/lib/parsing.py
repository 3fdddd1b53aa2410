"""What the API reads of a body."""

import io
import re
from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework import parsers
from rest_framework.exceptions import ParseError

# Escapes that may stand for what no database keeps: a zero, or half of a pair.
ODD_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
ODD_SIGN: Final = re.compile("[\x00\ud800-\udfff]")


class JSONParser(parsers.JSONParser):
    """JSON, and a refusal of lists in lists without end and of texts that are none."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Raises `ParseError`."""
        raw = stream.read()
        try:
            found = super().parse(io.BytesIO(raw), media_type, parser_context)
            if ODD_ESCAPE.search(raw) and not is_sound(found):
                raise ParseError("JSON parse error - a text with a sign that is none")
        except RecursionError as error:
            raise ParseError("JSON parse error - nested too deep") from error
        return found


def is_sound(value: object) -> bool:
    """Whether no text in it has a zero or half of a pair. Raises `RecursionError`."""
    if isinstance(value, str):
        return not ODD_SIGN.search(value)
    if isinstance(value, Mapping):
        return all(is_sound(key) and is_sound(one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_sound, value))
    return True
