"""The last run of a session's bot as a recording, from the rows that were written as it ran.

`core.replay` goes through it again: same candles, same orders and settlements, same limits, and
so the same commands, byte for byte. Orders of other sessions are not in it: what the limits of
the user alone held back shows as a difference.
"""

from datetime import datetime
from statistics import median
from typing import Any

import numpy as np

from trading.core.bot import Plan, canonical, key_of
from trading.core.market import Candles
from trading.core.replay import candle_line, event_line, plan_line
from trading.core.risk import strictest
from trading.lab_services import strategy_for
from trading.limits import in_force, session_scope, user_scope
from trading.models import ClosedCandle, Event, LimitSet, Order, TradingSession

Line = tuple[float, int, bytes]  # when, which of those at once comes first, what
SETTLED, CANDLE, COMMAND, OTHER = range(4)


def recording_of_session(session: TradingSession, *, until: datetime) -> bytes:
    """JSON lines; empty where the bot never ran. Raises what `strategy_for` raises."""
    if session.bot_started_at is None:
        return b""
    rule = strategy_for(session.user, session.strategy, session.parameters)
    plan = Plan(
        session.pk,
        rule,
        session.bot_asset,
        session.candle_seconds,
        session.bot_stake,
        session.bot_minutes,
    )
    scopes = [session_scope(session), user_scope(session.user_id, session.account_type)]
    sets = LimitSet.objects.filter(scope__in=scopes).prefetch_related("changes")
    limits = strictest(*(in_force(one, at=until) for one in sets))
    began = session.bot_started_at.timestamp()
    # Those before the run, too: what they lost and won counts.
    orders = list(Order.objects.filter(session=session, created_at__lte=until).order_by("pk"))
    lines = _candle_lines(session, plan, orders, since=began, until=until.timestamp())
    lines += _order_lines(session, orders)
    told = [line for _, _, line in sorted(lines)]
    first = plan_line(plan, session.parameters, limits, started_at=began)
    return b"\n".join([first, *told]) + b"\n"


def _candle_lines(
    session: TradingSession, plan: Plan, orders: list[Order], *, since: float, until: float
) -> list[Line]:
    """Each candle when the bot looked at it: as its order was made, else as late as usual."""
    seconds = plan.seconds
    rows = ClosedCandle.objects.filter(
        broker=session.broker,
        asset=plan.asset,
        seconds=seconds,
        start__gte=int(since) - (plan.strategy.needs + 1) * seconds,
        start__lte=int(until) - seconds,
    ).order_by("start")
    table = list(rows.values_list("start", "open", "high", "low", "close"))
    if not table:
        return []
    start, *prices = (np.array(one) for one in zip(*table, strict=True))
    candles = Candles(plan.asset, seconds, start.astype(np.int64), *prices)
    asked = {one.key: one.created_at.timestamp() for one in orders}
    starts = [int(one) for one in candles.start]
    keys = [key_of(session.pk, asset=plan.asset, seconds=seconds, start=one) for one in starts]
    late = [
        asked[key] - one - seconds for key, one in zip(keys, starts, strict=True) if key in asked
    ]
    usual = median(late) if late else 0.0
    found = []
    for index, key in enumerate(keys):
        close = float(starts[index] + seconds)
        looked = asked.get(key, close + usual)
        at = looked if close > since or key in asked else None  # before the run it is history
        line = candle_line(candles, index, at=at)
        found.append((looked, CANDLE, line))
    return found


def _order_lines(session: TradingSession, orders: list[Order]) -> list[Line]:
    commands = _commands(session)
    found: list[Line] = []
    for order in orders:
        key, asked = str(order.key), order.created_at.timestamp()
        if key in commands:
            found.append((asked, COMMAND, canonical({"kind": "command"} | commands[key])))
        else:
            line = event_line("order", key, at=asked, stake=str(order.stake))
            found.append((asked, OTHER, line))
        if order.state == Order.State.SETTLED and order.settled_at is not None:
            at = order.settled_at.timestamp()
            line = event_line("settled", key, at=at, profit=str(order.profit))
            found.append((at, SETTLED, line))
        elif order.state in Order.ENDED:
            at = (order.settled_at or order.created_at).timestamp()
            found.append((at, OTHER + 1, event_line("dropped", key, at=at)))
    return found


def _commands(session: TradingSession) -> dict[str, dict[str, Any]]:
    """What the bot wrote into its log with each order, by key."""
    logged = Event.objects.filter(session=session, kind="log", at__gte=session.bot_started_at)
    found = {}
    for data in logged.order_by("seq").values_list("data", flat=True):
        command = data.get("facts", {}).get("command")
        if data.get("code") == "bot_order" and isinstance(command, dict):
            found[str(command["key"])] = command
    return found
