"""A session written down, and gone through again: the same commands, byte for byte.

A recording is JSON lines in the order in which the session learned of things: the plan, candles
(`at` is when the bot looked; without it they are history), orders of others, settlements, orders
that the broker did not take, and the commands that came of it.
"""

import json
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import numpy as np

from trading.core.backtest import Backtest
from trading.core.bot import Command, Plan, canonical
from trading.core.desk import Desk
from trading.core.market import Candles, Strategy
from trading.core.risk import Limits

FORMAT: Final = 1
MOST_LINES: Final = 500_000
MakeStrategy = Callable[[str, Mapping[str, Any]], Strategy]


class BadRecording(ValueError):
    """A line is not what a recording has; `code` and `line` say which."""

    def __init__(self, code: str, line: int) -> None:
        self.code, self.line = code, line
        super().__init__(f"{code} in line {line}")


@dataclass(frozen=True, slots=True)
class Replayed:
    """The commands that were found and those that were written down; each ends with a newline."""

    found: bytes
    recorded: bytes

    @property
    def same(self) -> bool:
        return self.found == self.recorded


def plan_line(
    plan: Plan, parameters: Mapping[str, Any], limits: Limits, *, started_at: float
) -> bytes:
    told = {name: str(value) for name, value in asdict(limits).items()}
    return canonical(
        {
            "kind": "plan",
            "format": FORMAT,
            "session": str(plan.session),
            "strategy": plan.strategy.name,
            "parameters": dict(parameters),
            "asset": plan.asset,
            "seconds": plan.seconds,
            "stake": str(plan.stake),
            "minutes": plan.minutes,
            "limits": told,
            "started_at": started_at,
        }
    )


def candle_line(candles: Candles, index: int, *, at: float | None) -> bytes:
    """JSON keeps every bit of a float."""
    prices = {name: float(getattr(candles, name)[index]) for name in PRICES}
    return canonical({"kind": "candle", "start": int(candles.start[index]), "at": at} | prices)


def command_line(command: Command) -> bytes:
    return canonical({"kind": "command"} | command.as_json())


def event_line(kind: str, key: str, *, at: float, **more: str) -> bytes:
    """`kind` is order (with stake), settled (with profit) or dropped."""
    return canonical({"kind": kind, "key": key, "at": at} | more)


PRICES: Final = ("open", "high", "low", "close")


def recording_of(found: Backtest, parameters: Mapping[str, Any]) -> bytes:
    """A backtest as a recording."""
    candles, plan = found.candles, found.setup.plan
    start = float(candles.start[0])
    lines = [plan_line(plan, parameters, found.setup.limits, started_at=start)]
    by_close = {one.closed_at: (one, is_taken) for one, is_taken in found.commands}
    ended = deque(found.trades)
    for index in range(len(candles)):
        close = int(candles.start[index]) + candles.seconds
        while ended and ended[0].expires_at <= close:
            trade = ended.popleft()
            key, profit = str(trade.command.key), str(trade.profit)
            lines.append(event_line("settled", key, at=trade.expires_at, profit=profit))
        lines.append(candle_line(candles, index, at=float(close)))
        if close in by_close:
            command, is_taken = by_close[close]
            lines.append(command_line(command))
            if not is_taken:
                lines.append(event_line("dropped", str(command.key), at=close))
    return b"\n".join(lines) + b"\n"


def replay(lines: Iterable[bytes], make: MakeStrategy) -> Replayed:
    """Go through a recording. Raises `BadRecording`, and what `make` raises."""
    found, recorded, told = [], [], set[str]()
    desk: Desk | None = None
    history = _History()
    for number, line in enumerate(lines, 1):
        entry = _read(line, number)
        kind = entry["kind"]
        try:
            if kind == "plan" and desk is None:
                desk = _desk(entry, make)
                history = _History(desk.plan.asset, desk.plan.seconds, desk.plan.strategy.needs)
            elif desk is None or kind == "plan":
                raise BadRecording("no_plan", number)
            elif kind == "command":
                recorded.append(line.strip())
                told.add(str(entry["key"]))
            elif kind == "candle":
                history.add(entry)
                if entry["at"] is not None:
                    asked = desk.look(history.candles(), now=float(entry["at"]))
                    if isinstance(asked, Command):
                        found.append(command_line(asked))
            elif str(entry["key"]) in desk.ledger.open or entry["key"] not in told:
                _book(desk, kind, entry)  # else of a command that was not found again
        except (KeyError, TypeError, InvalidOperation, OverflowError, ValueError) as error:
            if isinstance(error, BadRecording) or hasattr(error, "code"):
                raise
            raise BadRecording("bad_entry", number) from error
    return Replayed(b"".join(one + b"\n" for one in found), b"".join(o + b"\n" for o in recorded))


class _History:
    """The last candles, as many as the strategy looks at."""

    def __init__(self, asset: str = "", seconds: int = 60, needs: int = 1) -> None:
        self._asset, self._seconds, self._needs = asset, seconds, needs
        self._rows: list[tuple[float, ...]] = []

    def add(self, entry: Mapping[str, Any]) -> None:
        self._rows.append((int(entry["start"]), *(float(entry[name]) for name in PRICES)))
        del self._rows[: -self._needs]

    def candles(self) -> Candles:
        start = np.array([int(row[0]) for row in self._rows], np.int64)
        prices = np.array([row[1:] for row in self._rows], np.float64).T
        return Candles(self._asset, self._seconds, start, *prices)


def _desk(entry: Mapping[str, Any], make: MakeStrategy) -> Desk:
    if entry["format"] != FORMAT:
        raise ValueError("another format")
    plan = Plan(
        uuid.UUID(entry["session"]),
        make(str(entry["strategy"]), entry["parameters"]),
        str(entry["asset"]),
        int(entry["seconds"]),
        Decimal(entry["stake"]),
        int(entry["minutes"]),
    )
    limits = limits_of(entry["limits"])
    return Desk(plan, limits, started_at=float(entry["started_at"]))


def limits_of(told: Mapping[str, str]) -> Limits:
    """From texts."""
    return Limits(
        Decimal(told["stake"]),
        Decimal(told["daily_loss"]),
        Decimal(told["drawdown"]),
        int(told["consecutive_losses"]),
        int(told["trades_per_hour"]),
        int(told["open_positions"]),
        int(told["run_minutes"]),
    )


def _book(desk: Desk, kind: str, entry: Mapping[str, Any]) -> None:
    key, at = str(entry["key"]), float(entry["at"])
    if kind == "order":
        desk.ledger.take(key, Decimal(entry["stake"]), at=at)
    elif kind == "settled":
        desk.ledger.settle(key, Decimal(entry["profit"]), at=at)
    elif kind == "dropped":
        desk.ledger.drop(key)
    else:
        raise ValueError(kind)


def _read(line: bytes, number: int) -> dict[str, Any]:
    if number > MOST_LINES:
        raise BadRecording("too_long", number)
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise BadRecording("not_json", number) from error
    if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
        raise BadRecording("not_json", number)
    return entry
