"""Candles: history and those that form while we look."""

from trading.brokers.quadcode.positions import moment
from trading.brokers.quadcode.wire import inside, price, rows, whole
from trading.core.market import Candle

MOST = 1000  # candles of one answer


def read_history(msg: object, asset: str, *, seconds: int) -> list[Candle]:
    """Ascending; a row that is no candle is left out."""
    found = [_candle(row, asset, seconds, is_closed=True) for row in rows(inside(msg, "candles"))]
    return sorted((one for one in found if one is not None), key=lambda one: one.start)


def _candle(row: dict[str, object], asset: str, seconds: int, *, is_closed: bool) -> Candle | None:
    began = moment(row.get("from"), 1)
    opened, closed = price(row.get("open")), price(row.get("close"))
    high, low = price(row.get("max")), price(row.get("min"))
    if began is None or opened is None or closed is None or high is None or low is None:
        return None
    if not low <= min(opened, closed) <= max(opened, closed) <= high:
        return None
    return Candle(asset, began, seconds, opened, high, low, closed, is_closed=is_closed)


class Feed:
    """What is watched on one connection: which candle forms, and which has just closed."""

    def __init__(self) -> None:
        self._assets: dict[tuple[int, int], str] = {}
        self._forming: dict[tuple[int, int], Candle] = {}

    def watch(self, number: int, seconds: int, asset: str) -> bool:
        """Whether it was not watched before."""
        if (number, seconds) in self._assets:
            return False
        self._assets[number, seconds] = asset
        return True

    def hear(self, msg: object) -> list[Candle]:
        """What the news comes to: the candle before, which is final now, and the forming one."""
        number, seconds = whole(inside(msg, "active_id")), whole(inside(msg, "size"))
        if number is None or seconds is None or (number, seconds) not in self._assets:
            return []
        key = (number, seconds)
        candle = _candle(msg, self._assets[key], seconds, is_closed=False)  # type: ignore[arg-type]
        if candle is None:
            return []
        before = self._forming.get(key)
        if before is not None and candle.start < before.start:
            return []  # late
        self._forming[key] = candle
        if before is None or before.start == candle.start:
            return [candle]
        ended = Candle(
            before.asset,
            before.start,
            before.seconds,
            before.open,
            before.high,
            before.low,
            before.close,
        )
        return [ended, candle]
