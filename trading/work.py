"""What a child process does for one backtest: no Django, no path but its own folder.

`python -m trading.work FOLDER PARENT` reads request.json and candles.npz there, and writes the
folder out, result.json or error.json, and progress.json as it goes. It ends when PARENT does.
"""

import csv
import io
import json
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from trading.core import backtest
from trading.core.agent import TrainedAgent, read_agent
from trading.core.bot import Plan
from trading.core.candle_csv import write_candles
from trading.core.market import Candles
from trading.core.replay import limits_of, recording_of
from trading.core.strategies import last, strategy

LOOK_S: Final = 0.5
DRAWN: Final = 5000  # candles that a page draws, the last ones
PRICES: Final = ("open", "high", "low", "close")


class Work:
    """One request in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: dict[str, Any] = json.loads((folder / "request.json").read_text())
        (folder / "out").mkdir(exist_ok=True)

    def tell(self, progress: float, step: str) -> None:
        path = self.folder / "progress.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps({"progress": round(progress, 3), "step": step}))
        new.rename(path)

    def write(self, name: str, content: str | bytes) -> None:
        data = content if isinstance(content, bytes) else content.encode()
        (self.folder / "out" / name).write_bytes(data)

    def candles(self) -> Candles:
        with np.load(self.folder / "candles.npz", allow_pickle=False) as kept:
            columns = {name: kept[name] for name in ("start", *PRICES)}
        return Candles(str(self.asked["asset"]), int(self.asked["seconds"]), **columns)


def tested(work: Work) -> dict[str, Any]:
    """A strategy on the candles."""
    asked, candles = work.asked, work.candles()
    found = backtest.run(_setup(work), candles, tell=lambda share: work.tell(0.9 * share, "run"))
    work.tell(0.9, "write")
    work.write("candles.csv", write_candles(candles))
    work.write("trades.csv", _trades(found))
    work.write("equity.csv", _equity(found))
    work.write("recording.jsonl", recording_of(found, asked["parameters"]))
    work.write("chart.json", json.dumps(_chart(found), allow_nan=False))
    return backtest.summary(found, tried=int(asked["tried"]), learned=_learned(asked))


def _learned(asked: dict[str, Any]) -> tuple[int, int] | None:
    """From when to when an agent learned; one that does not say may have learned from all."""
    if asked["strategy"] != "agent":
        return None
    first, end = asked.get("learned") or (0, 2**62)
    return int(first), int(end)


def _setup(work: Work) -> backtest.Setup:
    asked = work.asked
    rule = strategy(asked["strategy"], asked["parameters"], policies=lambda name: _agent(work))
    plan = Plan(
        uuid.UUID(asked["uid"]),
        rule,
        asked["asset"],
        int(asked["seconds"]),
        Decimal(asked["stake"]),
        int(asked["minutes"]),
    )
    limits = limits_of(asked["limits"])
    balance, payout = Decimal(asked["balance"]), Decimal(asked["payout"])
    return backtest.Setup(plan, limits, balance, payout, slippage=float(asked["slippage"]))


def _agent(work: Work) -> TrainedAgent:
    return read_agent((work.folder / "agent.npz").read_bytes())


TRADE_COLUMNS: Final = (
    "opened_at",
    "expires_at",
    "direction",
    "stake",
    "open_price",
    "close_price",
    "outcome",
    "profit",
    "confidence",
    "reason",
    "key",
)


def _trades(found: backtest.Backtest) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TRADE_COLUMNS)
    for one in found.trades:
        asked = one.command
        prices = (repr(one.open_price), repr(one.close_price))
        times = (one.opened_at, one.expires_at)
        ends = (one.outcome.value, one.profit, round(asked.confidence, 6), asked.reason, asked.key)
        writer.writerow([*times, asked.direction.value, asked.stake, *prices, *ends])
    return out.getvalue()


def _equity(found: backtest.Backtest) -> str:
    balances = backtest.equity(found)
    moments = [int(found.candles.start[0]), *(one.expires_at for one in found.trades)]
    below = backtest.fall(balances)
    rows = zip(moments, balances, below, strict=True)
    lines = [f"{at},{balance:.2f},{fell:.2f}" for at, balance, fell in rows]
    return "\n".join(["time,balance,below_best", *lines]) + "\n"


def _chart(found: backtest.Backtest) -> dict[str, Any]:
    """What a page draws: the last candles, the trades on them, and the whole equity."""
    shown = last(found.candles, DRAWN)
    begin = int(shown.start[0])
    columns = (shown.start, *(getattr(shown, name) for name in PRICES))
    trades = [
        {
            "opened_at": one.opened_at,
            "expires_at": one.expires_at,
            "direction": one.command.direction.value,
            "open_price": one.open_price,
            "close_price": one.close_price,
            "outcome": one.outcome.value,
            "profit": str(one.profit),
        }
        for one in found.trades
        if one.opened_at >= begin
    ]
    balances = backtest.equity(found)
    moments = [int(found.candles.start[0]), *(one.expires_at for one in found.trades)]
    step = max(1, len(moments) // 2000)
    line = [[at, round(float(one), 2)] for at, one in zip(moments, balances, strict=True)]
    return {
        "candles": [list(row) for row in zip(*(one.tolist() for one in columns), strict=True)],
        "trades": trades,
        "equity": line[::step] + ([line[-1]] if (len(line) - 1) % step else []),
    }


def main(folder: Path, do: Callable[[Work], dict[str, Any]]) -> int:
    """0 with a result, 3 with a refusal; anything else is a fault."""
    try:
        result = do(Work(folder))
    except Exception as error:
        code = getattr(error, "code", None)
        if not isinstance(code, str):
            raise
        told = {"code": code, "facts": getattr(error, "facts", {})}
        (folder / "error.json").write_text(json.dumps(told))
        return 3
    (folder / "result.json").write_text(json.dumps(result, allow_nan=False))
    return 0


def end_with(parent: int) -> None:
    """Kill this process's own group once `parent` is gone: its job is given to another."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    end_with(int(sys.argv[2]))
    sys.exit(main(Path(sys.argv[1]), tested))
