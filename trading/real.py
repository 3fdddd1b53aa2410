"""Real money: off, unless the operator, an administrator and the user all said yes.

The user says it with the password and a sentence that holds the most that a day may lose.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from accounts.credentials import confirm_password
from accounts.models import User
from sessions_app.changes import announce
from trading.events import TRADING_WORK
from trading.limits import change_limits, user_limits_of
from trading.models import AccountKind, LimitSet, RealGrant, TradingSession
from trading.refusals import NotAccepted, RealNotEnabled

FRESH = timedelta(minutes=15)  # how long after the confirmation a session may be connected


def sentence(daily_loss: Decimal) -> str:
    """What the user types."""
    return f"REAL {daily_loss:.2f}"


def missing(user: User) -> str | None:
    """What is missing before real orders may pass: setting, grant or confirmation."""
    if not settings.REAL_TRADING:
        return "setting"
    grant = RealGrant.objects.filter(user=user, revoked_at=None).first()
    if grant is None or not user.is_active:
        return "grant"
    return None if grant.confirmed_at else "confirmation"


def require(user: User) -> None:
    """Raises `RealNotEnabled`."""
    if needs := missing(user):
        raise RealNotEnabled(needs=needs)


def require_to_connect(user: User, *, at: datetime) -> None:
    """The same, with a confirmation of the last minutes. Raises `RealNotEnabled`."""
    require(user)
    fresh = RealGrant.objects.filter(user=user, confirmed_at__gt=at - FRESH)
    if not fresh.exists():
        raise RealNotEnabled(needs="confirmation")


def grant(user: User, *, by: User, at: datetime) -> RealGrant:
    """Staff allows the user to go on to the confirmation."""
    values = {"granted_by": by, "granted_at": at, "revoked_at": None, "confirmed_at": None}
    return RealGrant.objects.update_or_create(user=user, defaults=values)[0]


@transaction.atomic
def revoke(user: User, *, at: datetime) -> None:
    """No real order passes any more; sessions of real money end when what is open is settled."""
    RealGrant.objects.filter(user=user, revoked_at=None).update(revoked_at=at, confirmed_at=None)
    real = TradingSession.objects.live().filter(user=user, account_type=AccountKind.REAL)
    for session in real.select_for_update().order_by("pk"):
        session.wanted, session.bot_wanted = TradingSession.Wanted.DISCONNECTED, False
        session.reason = "real_revoked"
        session.save(update_fields=["wanted", "bot_wanted", "reason"])
        announce(TRADING_WORK, str(session.pk))


def confirm(
    user: User, *, password: str, typed: str, daily_loss: Decimal, ip: str | None, at: datetime
) -> LimitSet:
    """The user's own yes. Raises `RealNotEnabled`, `NotAccepted`, `WrongPassword`…

    The first time, the day's limit holds at once; later a higher one waits like any raise.
    """
    if missing(user) in ("setting", "grant"):
        raise RealNotEnabled(needs=missing(user))
    if not daily_loss.is_finite() or daily_loss <= 0 or daily_loss != round(daily_loss, 2):
        raise NotAccepted(field="daily_loss", why="out_of_range")
    if typed.strip() != sentence(daily_loss):
        raise NotAccepted(field="typed", why="not_the_sentence")
    confirm_password(user, password=password, ip=ip, at=at)
    with transaction.atomic():
        limits = LimitSet.objects.select_for_update().get(
            pk=user_limits_of(user, AccountKind.REAL).pk
        )
        granted = RealGrant.objects.filter(user=user, revoked_at=None)
        if granted.filter(first_confirmed_at=None).update(first_confirmed_at=at):
            limits.daily_loss = daily_loss
            limits.save(update_fields=["daily_loss"])
        else:
            change_limits(limits, user=user, values={"daily_loss": daily_loss}, at=at)
        granted.update(confirmed_at=at)
    limits.refresh_from_db()
    return limits
