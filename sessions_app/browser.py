"""Signing in and out of the pages: Django's cookie session carries the id of its `Sesion`.

It hangs on Django's own signals, so that every cookie login makes a `Sesion`: our page and the
admin's form alike.
"""

from typing import Any, cast

from django.contrib import auth
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from sessions_app.client import client_of
from sessions_app.models import Sesion
from sessions_app.services import end_session, start_session

SID = "sid"
BACKEND = "django.contrib.auth.backends.ModelBackend"


def sign_in_browser(request: HttpRequest, user: User) -> Sesion:
    """Sign the browser in under a new cookie key, so that a key planted before is worthless."""
    auth.login(request, user, backend=BACKEND)
    return sesion_of(request)


def sign_out_browser(request: HttpRequest) -> None:
    """End the browser's session, here and everywhere it is open."""
    auth.logout(request)


def sesion_of(request: HttpRequest) -> Sesion:
    """The `Sesion` of a signed-in page request."""
    return cast("Sesion", cast("Any", request).sesion)


def connect_signals() -> None:
    user_logged_in.connect(_signed_in, dispatch_uid="sesion-starts")
    user_logged_out.connect(_signed_out, dispatch_uid="sesion-ends")


def _signed_in(*, request: HttpRequest, user: User, **_signal: object) -> None:
    at = timezone.now()
    _end_current(request)  # who signs in again leaves the login before
    sesion = start_session(user, kind=Sesion.Kind.BROWSER, client=client_of(request), at=at)
    request.session[SID] = sesion.pk
    cast("Any", request).sesion = sesion


def _signed_out(*, request: HttpRequest, **_signal: object) -> None:
    _end_current(request)
    cast("Any", request).sesion = None


def _end_current(request: HttpRequest) -> None:
    sesion: Sesion | None = getattr(request, "sesion", None)
    if sesion:
        end_session(sesion, reason=Sesion.EndReason.LOGOUT, at=timezone.now())
