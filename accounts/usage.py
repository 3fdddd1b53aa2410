"""Each billable act counts once, whoever repeats it, and however many do so at once."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, Sum
from django.db.models.functions import TruncDate

from accounts.acts import ACTS, PREDICTION, Act
from accounts.hooks import Rows
from accounts.models import UsageRow, UsageTally, User

KEY: Final = re.compile(r"[0-9a-z:._-]{1,120}")  # no capitals: some databases take a for A
FOLD: Final = 500  # tallies of one transaction
KEPT: Final = timedelta(days=400)


def record(
    user: User,
    *,
    act: Act,
    key: str,
    amount: int = 1,
    at: datetime,
    session_id: int | str | None = None,
) -> bool:
    """Count an act; False where it was counted before.

    Call it in the transaction of what it counts: both are kept or neither. `amount` is in the act's
    own small unit (seconds of a bot). The key names the act for good, such as a row's number.
    """
    _check(act, key, amount)
    session = "" if session_id is None else str(session_id)
    try:
        with transaction.atomic():
            UsageRow.objects.create(
                user=user, act=act.name, key=key, amount=amount, at=at, session=session
            )
    except IntegrityError:
        if not UsageRow.objects.filter(act=act.name, key=key).exists():
            raise  # the user is gone
        return False
    return True


@dataclass(frozen=True, slots=True)
class Used:
    """An act to be counted; see `record`."""

    user_id: int
    act: Act
    key: str
    at: datetime
    amount: int = 1
    session: str = ""


def record_many(used: Iterable[Used]) -> None:
    """Count each act that was not counted before, in one write for all. Of users who exist."""
    rows = []
    for one in used:
        _check(one.act, one.key, one.amount)
        facts = {"key": one.key, "amount": one.amount, "at": one.at, "session": one.session}
        rows.append(UsageRow(user_id=one.user_id, act=one.act.name, **facts))
    UsageRow.objects.bulk_create(rows, ignore_conflicts=True)


def _check(act: Act, key: str, amount: int) -> None:
    if ACTS.get(act.name) is not act or not KEY.fullmatch(key) or amount < 0:
        raise ValueError(f"{act.name} {key!r} {amount}: no act that can be counted")


def note_readings(readings: Iterable[tuple[int | None, int | None]], *, at: datetime) -> None:
    """Note (user, session) of each reading that a live camera wrote, one row for all of them.

    Call it in the transaction that writes the readings. Readings of nobody count for nobody.
    """
    counts = Counter(pair for pair in readings if pair[0] is not None)
    if counts:
        kept = [[user, session, number] for (user, session), number in counts.items()]
        UsageTally.objects.create(at=at, counts=kept)


def fold() -> int:
    """Add up what cameras noted, a row for each user, session and day; how many notes there were.
    Several may do so at once."""
    folded = 0
    while number := _fold_some():
        folded += number
    return folded


@transaction.atomic
def _fold_some() -> int:
    tallies = list(UsageTally.objects.select_for_update().order_by("pk")[:FOLD])
    totals: Counter[tuple[int, int | None, date]] = Counter()
    for tally in tallies:
        for user, session, number in tally.counts:
            totals[user, session, tally.at.date()] += number
    known = set(User.objects.filter(pk__in={key[0] for key in totals}).values_list("pk", flat=True))
    last = {(tally.at.date()): tally for tally in tallies}
    for (user, session, day), number in sorted(totals.items(), key=str):
        if user in known:
            _add_readings(user, session, number, tally=last[day])
    UsageTally.objects.filter(pk__in=[tally.pk for tally in tallies]).delete()
    return len(tallies)


def _add_readings(user: int, session: int | None, number: int, *, tally: UsageTally) -> None:
    """To the day's row while it is open; what comes after its invoice makes a row of its own."""
    name = "" if session is None else str(session)
    key = f"{user}:{name}:{tally.at.date()}"
    rows = UsageRow.objects.filter(act=PREDICTION.name, key=key)
    if rows.open().update(amount=F("amount") + number):
        return
    owner = User(pk=user)
    if not record(owner, act=PREDICTION, key=key, amount=number, at=tally.at, session_id=session):
        if rows.open().update(amount=F("amount") + number):  # somebody else made it just now
            return
        late = f"{key}:{tally.pk}"
        record(owner, act=PREDICTION, key=late, amount=number, at=tally.at, session_id=session)


@dataclass(frozen=True, slots=True)
class DayOfAct:
    day: date
    act: Act
    amount: int


def month_of(at: datetime) -> tuple[datetime, datetime]:
    """The first moment of the month (UTC) and that of the next."""
    start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start, (start + timedelta(days=32)).replace(day=1)


def by_day(user: User, *, start: datetime, end: datetime) -> list[DayOfAct]:
    """What the user used on which day (UTC), oldest first."""
    rows = UsageRow.objects.owned_by(user).between(start, end)
    days = rows.annotate(day=TruncDate("at")).values("day", "act").annotate(total=Sum("amount"))
    return [
        DayOfAct(row["day"], ACTS[row["act"]], row["total"])
        for row in days.order_by("day", "act")
        if row["act"] in ACTS
    ]


def used_today(user: User, act: Act, *, at: datetime) -> int:
    """How much of the act since midnight (UTC)."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = UsageRow.objects.owned_by(user).filter(act=act.name)
    today = rows.between(midnight, midnight + timedelta(days=1))
    return int(today.aggregate(total=Sum("amount"))["total"] or 0)


def tidy(*, at: datetime) -> None:
    """Delete rows that were charged long ago; the invoice says what they were."""
    UsageRow.objects.filter(at__lt=at - KEPT).exclude(invoice=None).delete()


def export_usage(user: User) -> tuple[str, Rows]:
    rows = UsageRow.objects.owned_by(user).order_by("pk")
    return "usage", rows.values("act", "amount", "at", "session", "invoice_id").iterator()
