"""Kill switches: of a session, a user, a broker, everything. While one is on, no order passes."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from sessions_app.changes import announce
from trading.events import TRADING_WORK, emit
from trading.models import KillSwitch, TradingSession, TradingSessionQuerySet
from trading.refusals import Conflict

EVERYTHING = "everything"


def broker_scope(broker: str) -> str:
    return f"broker:{broker}"


def user_scope(user_id: int) -> str:
    return f"user:{user_id}"


def session_scope(session: TradingSession) -> str:
    return f"session:{session.pk}"


def scopes_of(session: TradingSession) -> list[str]:
    """Every switch that stops this session, the widest first."""
    return [
        EVERYTHING,
        broker_scope(session.broker),
        user_scope(session.user_id),
        session_scope(session),
    ]


def switches_on(session: TradingSession) -> tuple[str, ...]:
    scopes = scopes_of(session)
    on = KillSwitch.objects.filter(scope__in=scopes, is_on=True)
    return tuple(sorted(on.values_list("scope", flat=True), key=scopes.index))


@transaction.atomic
def set_switch(
    scope: str, *, on: bool, by: User | None, reason: str = "", at: datetime
) -> KillSwitch:
    """Turn a switch. Sessions of a user or a single one hear of it in their events.

    One that is on stays its turner's: a second "on" of the owner would let them undo the staff's.
    """
    sessions = list(_told(scope).select_for_update().order_by("pk"))  # orders in the gate end first
    if on and (held := _held_by_another(scope, by=by)):
        return held
    switch, _made = KillSwitch.objects.update_or_create(
        scope=scope,
        defaults={"is_on": on, "reason": reason[:200], "changed_by": by, "changed_at": at},
    )
    for session in sessions:
        emit(session, "halt", {"scope": scope, "on": on, "reason": reason[:200]}, at=at)
        announce(TRADING_WORK, str(session.pk))
    return switch


def check_turner(scope: str, *, by: User | None) -> None:
    """Raises `Conflict` where somebody else turned the switch on and `by` is not of the staff."""
    if by is None or by.is_staff:
        return
    if _held_by_another(scope, by=by):
        raise Conflict(reason="halted_by_staff")


def _held_by_another(scope: str, *, by: User | None) -> KillSwitch | None:
    """The switch, where it is on by somebody else's hand and `by` is not of the staff."""
    if by is not None and by.is_staff:
        return None
    found = KillSwitch.objects.select_for_update().filter(scope=scope, is_on=True).first()
    return found if found and found.changed_by_id not in (None, by and by.pk) else None


def _told(scope: str) -> TradingSessionQuerySet:
    kind, _colon, subject = scope.partition(":")
    live = TradingSession.objects.live()
    if kind == "session":
        return TradingSession.objects.filter(pk=subject)
    if kind == "user":
        return live.filter(user_id=subject)
    return live.filter(broker=subject) if kind == "broker" else live
