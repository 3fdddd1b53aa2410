"""The one way to an order, for a person and for a bot.

Everything is looked at in one transaction that holds the locks of the user's limits and of the
session: of two orders asked for at once, the second sees the first. Whatever is unclear is a
refusal, and nothing is written.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from accounts.acts import TRADES_A_DAY
from accounts.models import User
from accounts.plans import check_quota
from sessions_app.models import Sesion
from trading import exposure, figures, real, switches
from trading.attempts import check_attempts, count_refusal
from trading.core import risk
from trading.core.market import Direction
from trading.events import TRADING_WORK, emit_order
from trading.limits import in_force, session_scope, user_scope
from trading.models import LimitSet, Order, TradingSession
from trading.refusals import Conflict, Halted, NotAccepted, RiskLimit, short_code
from trading.turns import turn
from visionai.lib.errors import DomainError

MOST_MINUTES = 24 * 60
# Ends of a login after which nothing may be done in its name.
TAKEN_BACK = (
    Sesion.EndReason.REVOKED_BY_USER,
    Sesion.EndReason.REVOKED_BY_STAFF,
    Sesion.EndReason.PASSWORD_CHANGED,
    Sesion.EndReason.TOKEN_REUSE,
    Sesion.EndReason.ERASED,
)


@dataclass(frozen=True, slots=True)
class Passage:
    """What the gate answered."""

    session: TradingSession
    order: Order
    seq: int  # of the newest event of the session that the gate knew of
    is_new: bool = False
    refusal: DomainError | None = None


Note = Callable[[Passage], None]


def pass_gate(
    session: TradingSession,
    *,
    key: uuid.UUID,
    asset: str,
    direction: str,
    stake: Decimal,
    minutes: int,
    source: str,
    fence: int | None = None,
    note: Note | None = None,
    at: datetime,
) -> Order:
    """The order, waiting to be sent by the session's node; the same one again for the same key.

    `fence` is the number under which a node owns the session; None where a person asks. `note` is
    told of the answer in the transaction in which it was found. Raises `NotAccepted`, `Conflict`,
    `Halted`, `RiskLimit`, `RealNotEnabled`, `DailyLimitReached` or `TooManyRequests`.
    """
    order = Order(
        key=key,
        asset=asset.strip(),
        direction=direction,
        stake=stake,
        minutes=minutes,
        source=source,
        created_at=at,
    )
    began = time.perf_counter()
    with turn(), transaction.atomic():
        passage = _answer(session, order, fence=fence)
        if passage.refusal is not None:
            figures.count_refusal(passage.session, source, short_code(passage.refusal), at=at)
        if note is not None:
            note(passage)
    figures.observe_gate(source, passed=passage.refusal is None, since=began)
    if passage.refusal is not None:
        raise passage.refusal
    return passage.order


def _answer(session: TradingSession, order: Order, *, fence: int | None) -> Passage:
    """What is refused was refused before anything was written: the transaction may go on."""
    order.session = session
    try:
        _check_form(order)
        found = _pass(session, order, fence=fence)
    except DomainError as refusal:
        row = order.session
        return Passage(row, order, row.event_seq, refusal=refusal)
    is_new = found is order
    # Its own event is the newest one.
    return Passage(order.session, found, order.session.event_seq - is_new, is_new=is_new)


def _pass(session: TradingSession, order: Order, *, fence: int | None) -> Order:
    at = order.created_at
    limits = _lock_limits(session)
    row = TradingSession.objects.select_for_update().get(pk=session.pk)
    order.session = row
    near = Order.objects.filter(session=row).filter(Q(key=order.key) | Q(state__in=Order.IN_FLIGHT))
    known = list(near)
    same = next((one for one in known if one.key == order.key), None)
    if same is not None and _is_same(same, order):
        return same
    if order.source == Order.Source.MANUAL:  # a bot asks once a candle
        check_attempts(limits, at=at)
    try:
        if same is not None:
            raise Conflict(reason="key_used")
        _check_session(row, source=order.source, fence=fence, at=at)
        _check_alone(known, order)
        _check_counts(row, order, limits)
    except DomainError:
        if order.source == Order.Source.MANUAL:
            count_refusal(limits, at=at)
        raise
    order.save(force_insert=True)
    emit_order(row, order, at=at, also=[(TRADING_WORK, str(row.pk))])
    return order


def _check_counts(row: TradingSession, order: Order, limits: list[LimitSet]) -> None:
    """Raises `Halted`, `RiskLimit` or `DailyLimitReached`."""
    sums = exposure.sums_of(row, at=order.created_at)
    _check_risk(row, order, limits, sums)
    used = sums.trades_today
    check_quota(User(pk=row.user_id), TRADES_A_DAY.name, at=order.created_at, used=used)


def _check_form(order: Order) -> None:
    """Raises `NotAccepted`."""
    stake = order.stake
    amount = isinstance(stake, Decimal) and stake.is_finite() and stake > 0
    checks = [
        ("stake", amount and stake == round(stake, 2) and stake < 10**12),
        ("asset", 0 < len(order.asset) <= 40),
        ("direction", order.direction in {Direction.CALL.value, Direction.PUT.value}),
        ("minutes", type(order.minutes) is int and 0 < order.minutes <= MOST_MINUTES),
        ("source", order.source in Order.Source.values),
    ]
    for field, holds in checks:
        if not holds:
            raise NotAccepted(field=field, why="out_of_range")


def _lock_limits(session: TradingSession) -> list[LimitSet]:
    """The session's and the user's, locked in one order; both must be there."""
    scopes = [session_scope(session), user_scope(session.user_id, session.account_type)]
    rows = LimitSet.objects.select_for_update().filter(scope__in=scopes).order_by("scope")
    found = list(rows.prefetch_related("changes"))
    if len(found) != len(scopes):
        raise RiskLimit(limit=risk.UNCLEAR, allowed="", found="limits")
    return found


def _is_same(known: Order, asked: Order) -> bool:
    fields = ("asset", "direction", "stake", "minutes", "source")
    return all(getattr(known, field) == getattr(asked, field) for field in fields)


def _check_session(row: TradingSession, *, source: str, fence: int | None, at: datetime) -> None:
    """Raises `Conflict` or `RealNotEnabled`."""
    if fence is not None and fence != row.fence:
        raise Conflict(reason="fenced")
    if row.lease_until is None or row.lease_until <= at:
        raise Conflict(reason="not_connected" if fence is None else "lease")
    if row.wanted != TradingSession.Wanted.CONNECTED:
        raise Conflict(reason="disconnecting")
    if row.state != TradingSession.State.CONNECTED:
        raise Conflict(reason="not_connected")
    if row.blocked:
        raise Conflict(reason=row.blocked)
    if source == Order.Source.BOT and not row.bot_wanted:
        raise Conflict(reason="bot_stopped")
    of_login = TradingSession.objects.filter(pk=row.pk)
    is_active, end_reason = of_login.values_list("user__is_active", "sesion__end_reason").get()
    if not is_active or end_reason in TAKEN_BACK:
        raise Conflict(reason="login_ended")
    if row.is_real:
        real.require(row.user)


def _check_alone(known: list[Order], order: Order) -> None:
    """Of two alike without an answer, nobody could tell which one the broker took."""
    fields = ("asset", "direction", "stake")
    for one in known:
        if all(getattr(one, field) == getattr(order, field) for field in fields):
            raise Conflict(reason="in_flight")


def _check_risk(
    row: TradingSession, order: Order, limits: list[LimitSet], sums: exposure.Sums
) -> None:
    """Raises `Halted` or `RiskLimit`."""
    on = switches.switches_on(row)
    ask = risk.Ask(order.stake, by_bot=order.source == Order.Source.BOT)
    for limit_set in limits:
        bounds = in_force(limit_set, at=sums.at)
        if limit_set.session_id is not None:
            past = exposure.of_session(sums, bounds, by_bot=ask.by_bot, switches=on)
        else:
            past = exposure.of_user(sums, bounds, switches=on)
        refused = risk.refusal(bounds, past, ask)
        if refused is None:
            continue
        if refused.limit == risk.HALTED:
            raise Halted(found=refused.found)
        whose = "session" if limit_set.session_id is not None else "user"
        raise RiskLimit(
            limit=refused.limit, allowed=refused.allowed, found=refused.found, scope=whose
        )
