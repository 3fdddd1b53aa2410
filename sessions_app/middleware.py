"""Binds each request of a signed-in browser to its open `Sesion`."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sessions_app.browser import SID
from sessions_app.models import Sesion
from sessions_app.services import SessionEnded, find_open, note_activity
from visionai.lib.logs import bind

WHY: dict[str, str | Promise] = {
    Sesion.EndReason.LOGOUT: _("Your session ended: you signed out."),
    Sesion.EndReason.IDLE: _("Your session ended: it was idle for too long."),
    Sesion.EndReason.ABSOLUTE: _("Your session ended: it reached its longest duration."),
    Sesion.EndReason.REVOKED_BY_USER: _("Your session ended: you ended it from another one."),
    Sesion.EndReason.REVOKED_BY_STAFF: _("Your session ended: an administrator ended it."),
    Sesion.EndReason.PASSWORD_CHANGED: _("Your session ended: the password was changed."),
    Sesion.EndReason.TOKEN_REUSE: _("Your session ended: a spent token was used again."),
}
NO_REASON = _("Your session ended; sign in again.")


def sesion_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Sets `request.sesion`: the open `Sesion` of the cookie login, else None.

    A login that has ended is signed out, says so to the person, and the request goes on as an
    anonymous one; `request.sesion_ended` keeps the refusal for those who must not do that.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        bound = cast("Any", request)
        bound.sesion, bound.sesion_ended = None, None
        try:
            bound.sesion = _open_sesion(request)
        except SessionEnded as ended:
            bound.sesion_ended = ended
            request.session.flush()
            request.user = AnonymousUser()
            reason = str(ended.facts["reason"])
            messages.warning(request, str(WHY.get(reason, NO_REASON)), fail_silently=True)
        return get_response(request)

    return respond


def _open_sesion(request: HttpRequest) -> Sesion | None:
    sid = request.session.get(SID)
    if sid is None and not request.user.is_authenticated:
        return None
    at = timezone.now()
    sesion = find_open(sid or 0, at=at)
    if sesion.user_id != request.user.pk:  # the password changed under the cookie, for one
        raise SessionEnded(session=sid, reason="")
    note_activity(sesion.pk, at=at)
    bind(sesion_id=sesion.pk)
    return sesion
