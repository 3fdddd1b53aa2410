"""What all operations of the API describe alike."""

from collections.abc import Callable
from typing import TypeVar, cast

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers

from visionai.lib.problems import CONTENT_TYPE

T = TypeVar("T")

MEANINGS = {
    400: _("The request is not valid; `errors` names the fields."),
    401: _("Nobody is signed in, or the token is not valid any more."),
    403: _("Not allowed."),
    404: _("There is no such thing, or it is somebody else's."),
    409: _("Not possible as things stand."),
    413: _("Too large."),
    415: _("Not a format that is read here."),
    422: _("It could be read, but not used."),
    429: _("Too often; `Retry-After` says how many seconds to wait."),
    503: _("Something that is needed is not available now; `Retry-After` may say when."),
}


class Problem(serializers.Serializer[object]):
    """An error (RFC 9457)."""

    type = serializers.CharField(default="about:blank")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="One sentence for a person.")
    code = serializers.CharField(help_text="A stable name for a program.")


def problems(**codes: str) -> dict[tuple[int, str], OpenApiResponse]:
    """Responses for `extend_schema`: `problems(_401="bad_token", _404="not_found")`."""
    return {
        (int(name[1:]), CONTENT_TYPE): _response(int(name[1:]), code)
        for name, code in codes.items()
    }


def _response(status: int, code: str) -> OpenApiResponse:
    example = {
        "type": "about:blank",
        "title": str(MEANINGS[status]),
        "status": status,
        "detail": str(MEANINGS[status]),
        "code": code,
    }
    return OpenApiResponse(
        Problem, description=str(MEANINGS[status]), examples=[OpenApiExample(code, value=example)]
    )


def shows(value: dict[str, object]) -> Callable[[T], T]:
    """The example of this output in the description of the API."""
    example = OpenApiExample("An answer", value=value, response_only=True)
    return cast("Callable[[T], T]", extend_schema_serializer(examples=[example]))
