"""Which pages may open a socket, and which of them with the reader's cookie."""

from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from sessions_app.client import is_trusted_proxy

Scope = Mapping[str, Any]
Origin = tuple[str, str, int]
DEFAULT_PORTS = {"http": 80, "https": 443}
LOCALHOST = {"localhost", "127.0.0.1", "::1"}


class Trust(Enum):
    REFUSED = "refused"
    WITHOUT_COOKIE = "without cookie"
    WITH_COOKIE = "with cookie"


def trust_of(scope: Scope) -> Trust:
    """What the Host and Origin of a handshake allow (contract, sections 0 and 6)."""
    host = header(scope, b"host")
    if not _is_served(host):
        return Trust.REFUSED
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    if not origins:
        return Trust.WITHOUT_COOKIE  # a program, not a page
    if len(origins) > 1:
        return Trust.REFUSED
    text = origins[0].decode("latin-1").lower()
    if text == "null":
        return Trust.WITHOUT_COOKIE if settings.NULL_ORIGIN_SERVED else Trust.REFUSED
    origin = _parts(text)
    if origin is None:
        return Trust.REFUSED
    if origin == _parts(f"{_scheme(scope)}://{host}"):
        return Trust.WITH_COOKIE
    configured = {_parts(one.lower()) for one in settings.CORS_ALLOWED_ORIGINS}
    if origin in configured or origin[1] in LOCALHOST:
        return Trust.WITHOUT_COOKIE
    return Trust.REFUSED


def header(scope: Scope, wanted: bytes) -> str:
    """The first header of that (lower-case) name, or an empty string."""
    values = (value for name, value in scope["headers"] if name == wanted)
    return next(values, b"").decode("latin-1")


def _is_served(host: str) -> bool:
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _scheme(scope: Scope) -> str:
    peer = (scope.get("client") or ("",))[0]
    told = header(scope, b"x-forwarded-proto")
    if told and is_trusted_proxy(peer):
        return told.split(",")[-1].strip().lower()
    return "https" if scope.get("scheme") in {"wss", "https"} else "http"


def _parts(origin: str) -> Origin | None:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    extra = parts.path or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or extra:
        return None
    return parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme]
