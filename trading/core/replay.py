"""A session written down, and gone through again: the same commands, byte for byte.

A recording is JSON lines in the order in which the session learned of things: the plan, candles
(`at` is when the bot looked; without it they are history), orders of others, settlements, orders
that the broker did not take, and the commands that came of it. One of a live session has looks
instead of candles: each with the candles that were new to it, both clocks, and what refused it from
outside the session's own limits; and it has the refusals, changes of limits, and releases.
"""

import json
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import Any, Final

import numpy as np

from trading.core.backtest import Backtest
from trading.core.bot import Command, Plan, canonical
from trading.core.desk import Desk, Outside, Refused
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
class Difference:
    """The first line, counted from 1, that differs; empty where one side has no more."""

    line: int
    recorded: str
    found: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """The commands and refusals that were found, and those that were written down; each ends with a
    newline."""

    found: bytes
    recorded: bytes
    looks: int = 0

    @property
    def same(self) -> bool:
        return self.found == self.recorded

    def difference(self) -> Difference | None:
        both = zip_longest(self.recorded.splitlines(), self.found.splitlines(), fillvalue=b"")
        for number, (recorded, found) in enumerate(both, 1):
            if recorded != found:
                return Difference(number, recorded.decode(), found.decode())
        return None


def plan_line(
    plan: Plan,
    parameters: Mapping[str, Any],
    limits: Limits,
    *,
    started_at: float,
    is_daily: bool = True,
) -> bytes:
    """`is_daily`: its bot was started anew at each midnight, as a backtest's is."""
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
            "limits": texts_of(limits),
            "started_at": started_at,
            "daily": is_daily,
        }
    )


def candle_line(candles: Candles, index: int, *, at: float | None) -> bytes:
    """JSON keeps every bit of a float."""
    prices = {name: float(getattr(candles, name)[index]) for name in PRICES}
    return canonical({"kind": "candle", "start": int(candles.start[index]), "at": at} | prices)


def command_line(command: Command) -> bytes:
    return canonical({"kind": "command"} | command.as_json())


def refused_line(command: Mapping[str, Any], why: str) -> bytes:
    return canonical({"kind": "refused", **command, "why": why})


def look_line(
    candles: Iterable[Sequence[float]],
    *,
    clock: float,
    at: float | None,
    anew: bool,
    outside: Outside | None,
) -> bytes:
    """`candles` are (start, open, high, low, close) and new to the bot; all it saw where `anew`."""
    told = None if outside is None else {"code": outside.code, "first": outside.is_first}
    rows = [[int(one[0]), *map(float, one[1:])] for one in candles]
    facts = {"kind": "look", "clock": clock, "at": at, "anew": anew, "candles": rows}
    return canonical(facts | {"outside": told})


def limits_line(limits: Limits, raises: Iterable[tuple[float, str, str]]) -> bytes:
    """From here on; `raises` come later: when, which one, to what."""
    told = [list(one) for one in raises]
    return canonical({"kind": "limits", "limits": texts_of(limits), "raises": told})


RELEASED: Final = canonical({"kind": "released"})


def texts_of(limits: Limits) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(limits).items()}


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
    again = _Replay(make)
    for number, line in enumerate(lines, 1):
        entry = _read(line, number)
        try:
            again.take(entry, line.strip(), number)
        except (KeyError, TypeError, InvalidOperation, OverflowError, ValueError) as error:
            if isinstance(error, BadRecording) or hasattr(error, "code"):
                raise
            raise BadRecording("bad_entry", number) from error
    return again.replayed()


class _Replay:
    """Takes the lines one by one."""

    def __init__(self, make: MakeStrategy) -> None:
        self._make = make
        self._desk: Desk | None = None
        self._history = _History()
        self._found: list[bytes] = []
        self._recorded: list[bytes] = []
        self._told: set[str] = set()  # keys of recorded commands
        self.looks = 0

    def replayed(self) -> Replayed:
        found, recorded = (
            b"".join(one + b"\n" for one in lines) for lines in (self._found, self._recorded)
        )
        return Replayed(found, recorded, self.looks)

    def take(self, entry: Mapping[str, Any], line: bytes, number: int) -> None:
        kind, desk = entry["kind"], self._desk
        if kind == "plan" and desk is None:
            self._desk = desk = _desk(entry, self._make)
            plan = desk.plan
            self._history = _History(plan.asset, plan.seconds, plan.strategy.needs)
        elif desk is None or kind == "plan":
            raise BadRecording("no_plan", number)
        elif kind == "command":
            self._recorded.append(line)
            self._told.add(str(entry["key"]))
        elif kind == "refused":
            self._recorded.append(line)
        elif kind == "candle":
            self._history.add(entry)
            if entry["at"] is not None:
                self.looks += 1
                self._keep(desk.look(self._history.candles(), now=float(entry["at"])))
        elif kind == "look":
            self._look(desk, entry)
        elif kind == "limits":
            desk.limits, desk.raises = limits_of(entry["limits"]), _raises_of(entry["raises"])
        elif kind == "released":
            desk.ledger.release()
        elif str(entry["key"]) in desk.ledger.open or entry["key"] not in self._told:
            _book(desk, kind, entry)  # else of a command that was not found again

    def _look(self, desk: Desk, entry: Mapping[str, Any]) -> None:
        self.looks += 1
        self._history.see(entry["candles"], anew=bool(entry["anew"]))
        told, at = entry["outside"], entry["at"]
        asked = desk.look(
            self._history.candles(),
            now=float(entry["clock"]),
            at=None if at is None else float(at),
            outside=None if told is None else Outside(str(told["code"]), bool(told["first"])),
        )
        if isinstance(asked, Refused):
            self._found.append(refused_line(asked.command.as_json(), asked.why.limit))
        self._keep(asked)

    def _keep(self, asked: object) -> None:
        if isinstance(asked, Command):
            self._found.append(command_line(asked))


class _History:
    """The last candles, as many as the strategy looks at."""

    def __init__(self, asset: str = "", seconds: int = 60, needs: int = 1) -> None:
        self._asset, self._seconds, self._needs = asset, seconds, needs
        self._rows: list[tuple[float, ...]] = []

    def add(self, entry: Mapping[str, Any]) -> None:
        self._rows.append((int(entry["start"]), *(float(entry[name]) for name in PRICES)))
        del self._rows[: -self._needs]

    def see(self, rows: Iterable[Sequence[float]], *, anew: bool) -> None:
        """What a look brought; candles that an earlier one brought already are the same."""
        if anew:
            self._rows.clear()
        for start, *prices in rows:
            if not self._rows or int(start) > self._rows[-1][0]:
                self.add({"start": start, **dict(zip(PRICES, prices, strict=True))})

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
    limits, started_at = limits_of(entry["limits"]), float(entry["started_at"])
    return Desk(plan, limits, started_at, is_daily=bool(entry.get("daily", True)))


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


def _raises_of(told: Iterable[Sequence[Any]]) -> list[tuple[float, str, Decimal]]:
    known = {one.name for one in fields(Limits)}
    found = [(float(when), str(name), Decimal(value)) for when, name, value in told]
    if not known.issuperset(name for _when, name, _value in found):
        raise ValueError("no such limit")
    return sorted(found)


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
