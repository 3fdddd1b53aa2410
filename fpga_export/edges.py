"""Who may call, how often, and what a client without an account is told of itself."""

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from rest_framework.decorators import authentication_classes, permission_classes, throttle_classes
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from accounts.models import User
from fpga_export.guests import COOKIE, HEADER, known_guest, new_guest
from fpga_export.models import Guest, Owner
from fpga_export.refusals import TooOften
from sessions_app.authentication import BearerAuthentication, SesionAuthentication
from sessions_app.client import client_of

A = TypeVar("A", bound=HttpResponseBase)
COOKIE_S: Final = 7 * 86400


class ByTokenOrCookie(SesionAuthentication):
    """As everywhere, or a guest."""

    def authenticate(self, request: Request) -> Any:
        return super().authenticate(request) or _guest(request)


class ByToken(BearerAuthentication):
    """For the originals' paths, where no cookie of a login counts; or a guest."""

    def authenticate(self, request: Request) -> Any:
        return super().authenticate(request) or _guest(request)


def _guest(request: Request) -> tuple[Guest, None] | None:
    """A client without an account, where the operator lets them in."""
    if not settings.ALLOW_ANONYMOUS_EXPORTS:
        return None
    at = timezone.now()
    key = request.headers.get(HEADER) or (request.COOKIES.get(COOKIE, "") if _ours(request) else "")
    guest = known_guest(key, at=at)
    if guest is None:
        guest, key = new_guest(address=client_of(request._request).ip, at=at)
    vars(request._request)["guest_key"] = key
    return guest, None


def _ours(request: Request) -> bool:
    """Whether no page of another origin asks, for which no cookie of ours counts."""
    origin, asked = request.headers.get("Origin"), request._request
    return origin is None or origin == f"{asked.scheme}://{asked.get_host()}"


class MayExport(BasePermission):
    """Users, and guests where they are let in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.user, Guest) or bool(request.user.is_authenticated)


class _Rate(SimpleRateThrottle):
    """Counted by user; guests by their address, or each new one would count anew."""

    methods: tuple[str, ...] = ()

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if request.method not in self.methods:
            return None
        if isinstance(request.user, User):
            return f"{self.scope}:user:{request.user.pk}"
        return f"{self.scope}:{client_of(request._request).ip}"


class Makes(_Rate):
    """Uploads, runs, deletions: each may cost a process."""

    scope, rate = "hardware_makes", "60/min"
    methods = ("POST", "PUT", "DELETE")


class Reads(_Rate):
    """Lists and files; a page of maps shows some hundred pictures at once."""

    scope, rate = "hardware_reads", "3000/min"
    methods = ("GET",)


def count_page(request: HttpRequest) -> None:
    """Count what a signed-in user makes by a page with what they make by the API.

    Raises `TooOften`.
    """
    rate = Makes()
    if not rate.allow_request(request, None):  # type: ignore[arg-type]
        seconds = math.ceil(rate.wait() or 1)
        raise TooOften(retry_after=seconds, seconds=seconds)


def owner_of(request: Request) -> Owner:
    """Whoever asks; the permission lets nobody else in."""
    asker = request.user
    assert isinstance(asker, User | Guest)
    return asker


def edge(*, original: bool = False) -> Callable[[Callable[..., A]], Callable[..., A]]:
    """What every view of exports has, below `api_view`; `original`: the originals' paths."""

    def dressed(view: Callable[..., A]) -> Callable[..., A]:
        @wraps(view)
        def answered(request: Request, *places: Any, **named: Any) -> A:
            response = view(request, *places, **named)
            tell_guest(request, response)
            return response

        kinds = [ByToken if original else ByTokenOrCookie]
        guarded = authentication_classes(kinds)(answered)
        return throttle_classes([Makes, Reads])(permission_classes([MayExport])(guarded))

    return dressed


def tell_guest(request: Request, response: HttpResponseBase) -> None:
    """Give a guest that was kept its key, as a header and as a cookie."""
    if not isinstance(request.user, Guest) or request.user.pk is None:
        return
    key = str(vars(request._request)["guest_key"])
    response[HEADER] = key
    response.set_cookie(
        COOKIE,
        key,
        max_age=COOKIE_S,
        httponly=True,
        samesite="Lax",
        secure=request._request.is_secure(),
    )
