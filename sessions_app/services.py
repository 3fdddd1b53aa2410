"""The life of a `Sesion`: it starts with a login, is kept alive by activity and ends once.

When has a session been idle too long? Activity is noted in memory and written every
`FLUSH` seconds, so a row may lag behind what a process has acknowledged. Three rules keep that
from ending a session that was in use:

- The first activity after a pause of `PAUSE` is written at once. A row that lags is therefore one
  of a session in steady use, whose limit (many minutes) is far away.
- Whoever decides writes what its own process has noted first.
- The sweep, which nobody waits for, leaves `SWEEP_MARGIN` after the limit, longer than a flush.

Activity after the limit revives nothing: a flush moves the limit only where the first activity
that it carries fell within it. `fecha_fin` of an idle or absolute end is the limit itself, and an
end is never written earlier than the last activity.
"""

import logging
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from sessions_app import hooks
from sessions_app.changes import SESSION_ENDED, announce
from sessions_app.client import Client
from sessions_app.models import Sesion
from visionai.lib.errors import DomainError
from visionai.lib.runtime import runtime

log = logging.getLogger(__name__)

FLUSH = 2.0  # seconds
PAUSE = timedelta(seconds=20)
SWEEP_MARGIN = timedelta(seconds=5)
BATCH = 200


class SessionEnded(DomainError):
    status, code, title = 401, "session_ended", _("The session has ended")
    detail = _("Your session has ended; sign in again.")


def idle_limit(kind: str) -> timedelta:
    """How long a session of `kind` lives without activity."""
    browser = kind == Sesion.Kind.BROWSER
    return settings.BROWSER_IDLE_LIMIT if browser else settings.API_SESSION_LIMIT


def absolute_limit(kind: str) -> timedelta:
    """How long a session of `kind` lives at most."""
    browser = kind == Sesion.Kind.BROWSER
    return settings.BROWSER_ABSOLUTE_LIMIT if browser else settings.API_SESSION_LIMIT


def start_session(user: User, *, kind: Sesion.Kind, client: Client, at: datetime) -> Sesion:
    """Open the row of one login."""
    return Sesion.objects.create(
        user=user,
        kind=kind,
        fecha_inicio=at,
        last_seen=at,
        idle_at=at + idle_limit(kind),
        absolute_at=at + absolute_limit(kind),
        ip=client.ip,
        user_agent=client.user_agent[:300],
    )


def find_open(sid: int, *, at: datetime) -> Sesion:
    """The session, with its user, if it is open at `at`; an overdue one is ended here.

    Raises `SessionEnded`, also for an unknown id and for the session of a disabled account.
    """
    sesion = _read(sid)
    if sesion and sesion.is_overdue(at):
        _end_overdue([sid], at)
        sesion = _read(sid)
    if sesion and sesion.fecha_fin is None and not (sesion.user and sesion.user.is_active):
        end_session(sesion, reason=Sesion.EndReason.REVOKED_BY_STAFF, at=at)
    if sesion is None or sesion.fecha_fin is not None:
        raise SessionEnded(session=sid, reason=sesion.end_reason if sesion else "unknown")
    return sesion


def end_session(sesion: Sesion, *, reason: Sesion.EndReason, at: datetime) -> bool:
    """End the session once; False when it had already ended, were it by a limit a moment ago."""
    ended = _end(sesion.pk, reason=reason, at=at)
    sesion.refresh_from_db(fields=["fecha_fin", "end_reason", "last_seen"])
    return ended


def end_sessions_of(
    user: User, *, reason: Sesion.EndReason, at: datetime, keep: int | None = None
) -> int:
    """End all open sessions of the user, but the one with id `keep`; how many ended by this."""
    theirs = Sesion.objects.owned_by(user).filter(fecha_fin=None).exclude(pk=keep or 0)
    with transaction.atomic():
        pks = list(theirs.order_by("pk").values_list("pk", flat=True))
        ended = sum(_end(pk, reason=reason, at=at) for pk in pks)
        for hook in hooks.all_ended:  # also where nothing was open any more
            hook(user, reason, keep, at)
    return ended


def sweep(*, at: datetime) -> int:
    """End what is past a limit and what belongs to disabled accounts; how many ended by this."""
    flush_activity()
    cut = at - SWEEP_MARGIN
    overdue = Sesion.objects.overdue_at(cut).order_by("pk").values_list("pk", flat=True)
    ended = _end_overdue(list(overdue), cut)
    disabled = Sesion.objects.of_disabled_users().order_by("pk").values_list("pk", flat=True)
    reason = Sesion.EndReason.REVOKED_BY_STAFF
    return ended + sum(_end(pk, reason=reason, at=at) for pk in list(disabled))


# Activity noted since the last flush: (first, last) by session

Noted = dict[int, tuple[datetime, datetime]]
_noted: Noted = {}
_flights: list[Noted] = []  # taken for writing, not written yet
_recent: dict[int, datetime] = {}  # the latest activity, kept to recognise a pause
_lock = threading.Lock()


def note_activity(sesion_id: int, *, at: datetime) -> None:
    """Remember that the session was used; cheap enough for every frame of a camera."""
    with _lock:
        _merge(_noted, sesion_id, at, at)
        before = _recent.get(sesion_id)
        _recent[sesion_id] = at
    if before is None or at - before >= PAUSE:
        runtime.soon(flush_activity)


def flush_activity() -> None:
    """Write what was noted. What cannot be written now stays noted."""
    with _lock:
        flight = dict(_noted)
        _noted.clear()
        _flights.append(flight)
    written = False
    try:
        _write_activity(flight)
        written = True
    finally:
        with _lock:
            _flights[:] = [other for other in _flights if other is not flight]
            for sid, (first, last) in {} if written else flight.items():
                _merge(_noted, sid, first, last)


def forget_pauses() -> None:
    """Drop what is no longer needed to recognise a pause, so that memory does not grow."""
    with _lock:
        latest = max(_recent.values(), default=None)
        for sid in [sid for sid, at in _recent.items() if latest and latest - at >= PAUSE]:
            del _recent[sid]


def _merge(noted: Noted, sid: int, first: datetime, last: datetime) -> None:
    before = noted.get(sid, (first, last))
    noted[sid] = (min(first, before[0]), max(last, before[1]))


def _settle(sid: int) -> None:
    """Write the activity of one session now, were it on its way in another thread already."""
    mine: Noted = {}
    with _lock:
        for noted in (*_flights, _noted):
            if sid in noted:
                _merge(mine, sid, *noted[sid])
    if mine:
        _write_activity(mine)


def _write_activity(noted: Noted) -> None:
    sids = sorted(noted)  # in one order, so that two processes cannot wait for each other
    for batch in (sids[i : i + BATCH] for i in range(0, len(sids), BATCH)):
        with transaction.atomic():
            kinds = Sesion.objects.filter(pk__in=batch, fecha_fin=None).values_list("pk", "kind")
            for sid, kind in sorted(kinds):
                first, last = noted[sid]
                within = Sesion.objects.filter(idle_at__gt=first, absolute_at__gt=last)
                within.filter(pk=sid, fecha_fin=None, last_seen__lt=last).update(
                    last_seen=last, idle_at=last + idle_limit(kind)
                )


# Ends


def _read(sid: int) -> Sesion | None:
    return Sesion.objects.select_related("user").filter(pk=sid).first()


def _end(sid: int, *, reason: Sesion.EndReason, at: datetime) -> bool:
    if _end_overdue([sid], at):
        return False
    # A clock that was set back must not put the end before what was done in the session.
    end = Case(When(last_seen__gt=at, then=F("last_seen")), default=Value(at))
    with transaction.atomic():
        won = _write_end(sid, Q(), fecha_fin=end, end_reason=reason.value)
        for hook in hooks.ended if won else ():
            hook(sid, reason, at)
    return won


def _end_overdue(sids: Iterable[int], at: datetime) -> int:
    past = Q(idle_at__lte=at) | Q(absolute_at__lte=at)
    idle_first = Q(idle_at__lt=F("absolute_at"))
    end = Case(When(idle_first, then=F("idle_at")), default=F("absolute_at"))
    idle, absolute = Value(Sesion.EndReason.IDLE.value), Value(Sesion.EndReason.ABSOLUTE.value)
    reason = Case(When(idle_first, then=idle), default=absolute)
    ended = 0
    for sid in sids:
        _settle(sid)
        ended += _write_end(sid, past, fecha_fin=end, end_reason=reason)
    return ended


def _write_end(sid: int, still: Q, **end: object) -> bool:
    with transaction.atomic():
        # One winner, however many ask at once.
        won = Sesion.objects.filter(still, pk=sid, fecha_fin=None).update(**end)
        if won:
            announce(SESSION_ENDED, str(sid))
    return bool(won)
