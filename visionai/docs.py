"""`/docs` and the schema behind it: the canonical API, described for people and programs."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.permissions import AllowAny

SHOWN = ("/api/v1/", "/status", "/resilience")
PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457); the HTTP status is repeated in `status`.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for a person."},
        "code": {"type": "string", "description": "A stable name for a program."},
    },
    "required": ["type", "title", "status", "detail", "code"],
}
EXAMPLE = {
    "type": "about:blank",
    "title": "Not found",
    "status": 404,
    "detail": "No such thing is yours.",
    "code": "not_found",
}
METHODS = {"get", "post", "put", "patch", "delete"}
Endpoint = tuple[str, str, str, Callable[..., Any]]

schema = SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[AllowAny])


def page(request: HttpRequest) -> HttpResponse:
    """Swagger UI, with every asset from this server."""
    return render(request, "docs.html")


def canonical_only(endpoints: list[Endpoint], **_kwargs: object) -> list[Endpoint]:
    """Leave out the originals' own paths: they do the same and are in their own documents."""
    found = []
    for path, path_regex, method, callback in endpoints:
        plain = path.replace("/?", "").rstrip("?").rstrip("/")
        if plain.startswith(SHOWN):
            found.append((plain, path_regex, method, callback))
    return found


def describe_errors(result: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
    """Every operation may answer a problem document; those that name theirs keep them."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.setdefault("Problem", PROBLEM)
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": EXAMPLE}
    for operations in result["paths"].values():
        for method, operation in operations.items():
            if method in METHODS:
                operation["responses"].setdefault(
                    "default",
                    {
                        "description": "Any error",
                        "content": {"application/problem+json": content},
                    },
                )
    return result


class SesionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "sessions_app.authentication.SesionAuthentication"
    name = ["token", "cookie"]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        ]
