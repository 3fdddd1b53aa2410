"""Limits of a session and of a user: lowered at once, raised after a day."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from django.db import transaction

from accounts.models import User
from trading.core.risk import Limits
from trading.events import emit
from trading.models import LimitChange, LimitSet, TradingSession
from trading.refusals import NotAccepted

RAISE_AFTER = timedelta(hours=24)
NAMES = tuple(field.name for field in fields(Limits))
MONEY = ("stake", "daily_loss", "drawdown")
MOST = Decimal(10) ** 9

# What holds until somebody says otherwise.
OF_A_SESSION = Limits(
    stake=Decimal(100),
    daily_loss=Decimal(500),
    drawdown=Decimal(1000),
    consecutive_losses=10,
    trades_per_hour=60,
    open_positions=5,
    run_minutes=24 * 60,
)
OF_A_USER = Limits(
    stake=Decimal(100),
    daily_loss=Decimal(1000),
    drawdown=Decimal(5000),
    consecutive_losses=30,
    trades_per_hour=240,
    open_positions=20,
    run_minutes=24 * 60,
)
# Of real money nothing, until its owner says in words how much.
OF_A_USER_REAL = Limits(
    stake=Decimal(10),
    daily_loss=Decimal(0),
    drawdown=Decimal(200),
    consecutive_losses=10,
    trades_per_hour=60,
    open_positions=5,
    run_minutes=24 * 60,
)


def session_scope(session: TradingSession) -> str:
    return f"session:{session.pk}"


def user_scope(user_id: int, account_type: str) -> str:
    return f"user:{user_id}:{account_type}"


def make_limits(session: TradingSession) -> None:
    """The rows of a new session and, where it is their first, of its user."""
    user_limits_of(session.user, session.account_type)
    values = {name: getattr(OF_A_SESSION, name) for name in NAMES}
    LimitSet.objects.get_or_create(
        scope=session_scope(session),
        defaults={"user": session.user, "session": session, **values},
    )


def session_limits_of(session: TradingSession) -> LimitSet:
    """What may be risked in the session."""
    make_limits(session)
    return LimitSet.objects.get(scope=session_scope(session))


def user_limits_of(user: User, account_type: str) -> LimitSet:
    """What the user may risk in all sessions of the account type together."""
    start = OF_A_USER_REAL if account_type == "REAL" else OF_A_USER
    values = {name: getattr(start, name) for name in NAMES}
    found, _made = LimitSet.objects.get_or_create(
        scope=user_scope(user.pk, account_type), defaults={"user": user, **values}
    )
    return found


def in_force(limit_set: LimitSet, *, at: datetime) -> Limits:
    """The limits as they hold at `at`, with raises whose day has come."""
    values = {name: getattr(limit_set, name) for name in NAMES}
    for change in limit_set.changes.all():
        if change.effective_at <= at and change.field in values:
            values[change.field] = _as(change.field, change.value)
    return Limits(**values)


@transaction.atomic
def change_limits(
    limit_set: LimitSet, *, user: User, values: Mapping[str, object], at: datetime
) -> Limits:
    """Lower now what is lower, raise in a day what is higher. Raises `NotAccepted`.

    A raise that was asked for already keeps its day where the value is the same; a lower value
    takes it back.
    """
    wanted = {name: _number(name, value) for name, value in values.items()}
    row = LimitSet.objects.select_for_update().get(pk=limit_set.pk, user=user)
    now = in_force(row, at=at)
    _settle(row, now, at=at)
    for name, value in wanted.items():
        if value > getattr(now, name):
            _ask_raise(row, name, Decimal(value), at=at)
        else:
            setattr(row, name, value)
            row.save(update_fields=[name])
            row.changes.filter(field=name).delete()
    result = in_force(row, at=at)
    if row.session is not None:
        emit(row.session, "limits", limits_data(row, at=at), at=at)
    return result


def limits_data(limit_set: LimitSet, *, at: datetime) -> dict[str, object]:
    """The limits in force and those to come, with money as text."""
    now = in_force(limit_set, at=at)
    coming = limit_set.changes.filter(effective_at__gt=at).order_by("field")
    return {
        **{name: _shown(getattr(now, name)) for name in NAMES},
        "raises": [
            {
                "field": change.field,
                "value": _shown(_as(change.field, change.value)),
                "effective_at": change.effective_at.isoformat(),
            }
            for change in coming
        ],
    }


def _settle(row: LimitSet, now: Limits, *, at: datetime) -> None:
    """Write raises whose day has come into the row."""
    due = row.changes.filter(effective_at__lte=at)
    names = [change.field for change in due]
    for name in names:
        setattr(row, name, getattr(now, name))
    if names:
        row.save(update_fields=names)
        due.delete()


def _ask_raise(row: LimitSet, name: str, value: Decimal, *, at: datetime) -> None:
    asked = row.changes.filter(field=name).first()
    if asked is not None and asked.value == value:
        return
    LimitChange.objects.update_or_create(
        limit_set=row,
        field=name,
        defaults={"value": value, "asked_at": at, "effective_at": at + RAISE_AFTER},
    )


def _number(name: str, value: object) -> Decimal | int:
    if name not in NAMES:
        raise NotAccepted(field=name, why="unknown")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise NotAccepted(field=name, why="no_number") from error
    if not number.is_finite() or not 0 <= number <= MOST:
        raise NotAccepted(field=name, why="out_of_range")
    if number != round(number, 2 if name in MONEY else 0):
        raise NotAccepted(field=name, why="too_precise")
    return _as(name, number)


def _as(name: str, value: Decimal) -> Decimal | int:
    return value if name in MONEY else int(value)


def _shown(value: Decimal | int) -> str | int:
    return f"{value:.2f}" if isinstance(value, Decimal) else value
