"""The emulator's assets, their prices and its catalogues."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from trading.core.expiry import candidates
from trading.core.prices import DAY, Prices, Walk, candle_at, candles_of

TURBO, BINARY, BLITZ = 3, 1, 12
KINDS: Final = {TURBO: "turbo", BINARY: "binary", BLITZ: "blitz"}
DEAD_TIME: Final = 30
TURBO_COUNT, BINARY_COUNT = 5, 4
BLITZ_SIZES: Final = (5, 10, 15, 30, 60)
LEAST, MOST = 1, 20_000
DIGITAL_DEAD_TIME: Final = 20
DIGITAL_ASK: Final = 54.1
SIZES: Final = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
FILLING: Final = 2 * 2**20  # bytes of a big catalogue


@dataclass(frozen=True)
class Active:
    number: int
    name: str
    prices: Prices
    is_suspended: bool = False
    is_open: bool = True
    kinds: tuple[int, ...] = (TURBO, BINARY)


class Market:
    def __init__(self, seed: int, recorded: dict[str, Prices] | None = None) -> None:
        self._recorded = recorded or {}
        self.actives = {
            one.number: one
            for one in (
                self._active(seed, 1, "EURUSD", is_suspended=True),
                self._active(seed, 1861, "EURUSD-op", kinds=(TURBO, BINARY, BLITZ)),
                self._active(seed, 76, "EURUSD-OTC"),
                self._active(seed, 5, "GBPUSD", is_open=False),
                self._active(seed, 81, "GBPUSD-OTC"),
            )
        }

    def _active(self, seed: int, number: int, name: str, **how: Any) -> Active:
        prices = self._recorded.get(name) or Walk(seed, name, start=1.1, digits=6)
        return Active(number, name, prices, **how)

    def commission(self, number: int, now: float) -> int:
        """Percent; it changes every ten minutes."""
        return 13 + (int(now) // 600 + number) % 5

    def schedule(self, active: Active, now: float) -> list[list[int]]:
        today = int(now) - int(now) % DAY
        if not active.is_open:
            return [[today - 2 * DAY, today - DAY], [today + 2 * DAY, today + 3 * DAY]]
        return [[today - DAY, today + 2 * DAY]]

    def catalogue(self, now: float, *, big: bool) -> dict[str, Any]:
        found: dict[str, Any] = {"currency": "USD"}
        for kind, word in KINDS.items():
            rows = {
                str(one.number): self._row(one, kind, now)
                for one in self.actives.values()
                if kind in one.kinds
            }
            found[word] = {"actives": rows}
        if big:
            found["filling"] = "x" * FILLING
        return found

    def _row(self, active: Active, kind: int, now: float) -> dict[str, Any]:
        times = {TURBO: [60], BINARY: [900], BLITZ: list(BLITZ_SIZES)}[kind]
        count = {TURBO: TURBO_COUNT, BINARY: BINARY_COUNT, BLITZ: 1}[kind]
        return {
            "id": active.number,
            "name": f"front.{active.name}",
            "ticker": active.name,
            "enabled": True,
            "is_suspended": active.is_suspended,
            "deadtime": DEAD_TIME,
            "buyback_deadtime": DEAD_TIME,
            "is_buyback": 1,
            "precision": 6,
            "minimal_bet": LEAST,
            "maximal_bet": MOST,
            "minmax": {"min": LEAST, "max": MOST},
            "schedule": self.schedule(active, now),
            "option": {
                "count": count,
                "expiration_times": times,
                "exp_time": times[0],
                "start_time": 0,
                "profit": {
                    "commission": self.commission(active.number, now),
                    "refund_min": 0,
                    "refund_max": 0,
                },
                "special": {},
            },
        }

    def sells(self, active: Active, kind: int, expiry: int, now: float) -> bool:
        """Whether the expiry is on the grid and not too close."""
        size, count = (60, TURBO_COUNT) if kind == TURBO else (900, BINARY_COUNT)
        return expiry in candidates(now, grid=size, count=count, dead_time=DEAD_TIME)

    # Digital

    def underlying(self, now: float) -> dict[str, Any]:
        rows = [
            {
                "active_id": one.number,
                "name": one.name,
                "is_suspended": False,
                "schedule": [
                    {"open": start, "close": end} for start, end in self.schedule(one, now)
                ],
            }
            for one in self.actives.values()
            if not one.is_suspended
        ]
        return {"type": "digital-option", "underlying": rows}

    def instruments(self, number: int, now: float) -> dict[str, Any]:
        found = []
        for minutes in (1, 5, 15):
            size = minutes * 60
            first = int(now) - int(now) % size + size
            found += [self._instrument(number, first + one * size, minutes) for one in range(2)]
        return {"instruments": found}

    def _instrument(self, number: int, expiry: int, minutes: int) -> dict[str, Any]:
        moment = datetime.fromtimestamp(expiry, UTC)
        stem = f"do{number}A{moment:%Y%m%dD%H%M%S}T{minutes}M"
        return {
            "index": expiry // 60 * 100 + minutes,
            "asset_id": number,
            "instrument_type": "digital-option",
            "expiration": expiry,
            "period": minutes * 60,
            "deadtime": DIGITAL_DEAD_TIME,
            "data": [
                {"strike": "SPT", "symbol": f"{stem}CSPT", "direction": "call"},
                {"strike": "SPT", "symbol": f"{stem}PSPT", "direction": "put"},
                {"strike": "1.107260", "symbol": f"{stem}C110726", "direction": "call"},
            ],
        }

    # Candles

    def history(
        self, number: int, size: int, *, to: int, count: int, now: int
    ) -> list[dict[str, Any]]:
        """Candles that begin at `to` or before and have ended by now."""
        end = min(to - to % size + size, now - now % size)
        found = candles_of(
            self.actives[number].prices, "", seconds=size, start=end - count * size, count=count
        )
        return [
            {
                "id": int(found.start[i]) // size,
                "from": int(found.start[i]),
                "to": int(found.start[i]) + size,
                "open": float(found.open[i]),
                "close": float(found.close[i]),
                "min": float(found.low[i]),
                "max": float(found.high[i]),
                "volume": 40,
            }
            for i in range(len(found))
        ]

    def forming(self, number: int, size: int, now: int) -> dict[str, Any]:
        candle = candle_at(self.actives[number].prices, "", seconds=size, second=now)
        start = now - now % size
        return {
            "active_id": number,
            "size": size,
            "id": start // size,
            "at": now * 10**9,
            "from": start,
            "to": start + size,
            "open": candle.open,
            "close": candle.close,
            "min": candle.low,
            "max": candle.high,
            "ask": float(np.round(candle.close + 1e-5, 6)),
            "bid": float(np.round(candle.close - 1e-5, 6)),
            "volume": 0,
            "phase": "T",
        }
