"""How the canonical API is described, beside what each view says of itself."""

from collections.abc import Callable
from typing import Any

from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import AllowAny

from sessions_app.authentication import BearerAuthentication, SesionAuthentication

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
PROBLEM_TYPE = "application/problem+json"
SIGN_IN = {
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
}
METHODS = {"get", "post", "put", "patch", "delete"}
Endpoint = tuple[str, str, str, Callable[..., Any]]


def canonical_only(endpoints: list[Endpoint], **_kwargs: object) -> list[Endpoint]:
    """Leave out the originals' own paths: they do the same and are in their own documents."""
    found = []
    for path, path_regex, method, callback in endpoints:
        plain = path.replace("/?", "").rstrip("?").rstrip("/")
        if plain.startswith(SHOWN):
            found.append((plain, path_regex, method, callback))
    return found


def describe(result: dict[str, Any], **_kwargs: object) -> dict[str, Any]:
    """How to sign in, and the problem document that any operation may answer."""
    components = result.setdefault("components", {})
    components["securitySchemes"] = SIGN_IN
    schemas = components.setdefault("schemas", {})
    schemas.setdefault("Problem", PROBLEM)
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": EXAMPLE}
    for operations in result["paths"].values():
        for method, operation in operations.items():
            if method in METHODS:
                for status, answer in operation["responses"].items():
                    if status[0] in "45" and "application/json" in answer.get("content", {}):
                        answer["content"][PROBLEM_TYPE] = answer["content"].pop("application/json")
                operation["responses"].setdefault(
                    "default",
                    {
                        "description": "Any error",
                        "content": {PROBLEM_TYPE: content},
                    },
                )
    return result


class Schema(AutoSchema):
    """Names what a caller may sign in with, from the view's authenticators and permissions."""

    def get_auth(self) -> list[dict[str, list[str]]]:
        authenticators = self.view.get_authenticators()
        schemes: list[dict[str, list[str]]] = []
        if any(isinstance(one, BearerAuthentication) for one in authenticators):
            schemes.append({"token": []})
        if any(isinstance(one, SesionAuthentication) for one in authenticators):
            schemes.append({"cookie": []})
        if any(isinstance(one, AllowAny) for one in self.view.get_permissions()):
            schemes.append({})
        return schemes
