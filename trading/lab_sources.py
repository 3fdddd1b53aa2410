"""The candles that a backtest or a training is of: named by a request, checked, and fetched."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np

from accounts.models import User
from trading import lab_store
from trading.brokers.registry import NAMES, paper_market
from trading.core.candle_csv import FEWEST, SIZES, BadCandles, read_candles
from trading.core.expiry import expiry_of
from trading.core.market import Candles
from trading.core.prices import DAY, FIRST_DAY, candles_of
from trading.lab_refusals import CandlesRefused
from trading.models import CandleFile, ClosedCandle

MOST_CANDLES: Final = 50_000
MOST_SECONDS: Final = 60 * DAY  # of generated prices, one a second
FIRST: Final = (FIRST_DAY + 1) * DAY
KINDS: Final = {
    "paper": {"asset", "seconds", "start", "count"},
    "file": {"file"},
    "recorded": {"broker", "asset", "seconds"},
}


def checked(user: User, source: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    """The source with all that it leaves out, its asset and seconds. Raises `CandlesRefused`."""
    kind = source.get("kind") if isinstance(source, Mapping) else None
    if kind not in KINDS or not set(source) <= KINDS[kind] | {"kind"}:
        raise CandlesRefused("bad_source")
    if kind == "file":
        found = file_of(user, source.get("file"))
        return {
            "kind": kind,
            "file": str(found.uid),
            "asset": found.asset,
            "seconds": found.seconds,
        }
    asset, seconds = source.get("asset"), _whole(source, "seconds", 60)
    if not isinstance(asset, str) or not 0 < len(asset) <= 40:
        raise CandlesRefused("bad_source")
    if seconds not in SIZES:
        raise CandlesRefused("odd_size", seconds=seconds, choices=list(SIZES))
    told = {"kind": kind, "asset": asset, "seconds": seconds}
    if kind == "recorded":
        if source.get("broker") not in NAMES:
            raise CandlesRefused("bad_source")
        told["broker"] = source["broker"]
        _check_recorded(told)
        return told
    if asset not in paper_market().listings:
        raise CandlesRefused("unknown_asset", asset=asset)
    return told | _span(source, seconds, at=at)


def check_expiry(seconds: int, minutes: int) -> None:
    """Options must end where candles do. Raises `CandlesRefused`."""
    try:
        expiry_of(0, minutes, dead_time=5)
    except ValueError as error:
        raise CandlesRefused("bad_expiry", minutes=minutes) from error
    if minutes > 24 * 60 or (minutes * 60) % seconds:
        raise CandlesRefused("bad_expiry", minutes=minutes)


def candles(user: User, source: Mapping[str, Any]) -> Candles:
    """The candles of a checked source. Raises `CandlesRefused` where they are gone."""
    asset, seconds = str(source["asset"]), int(source["seconds"])
    if source["kind"] == "paper":
        prices = paper_market().listings[asset].prices
        start, count = int(source["start"]), int(source["count"])
        return candles_of(prices, asset, seconds=seconds, start=start, count=count)
    if source["kind"] == "recorded":
        return _recorded(source)
    found = file_of(user, source["file"])
    try:
        return read_candles(lab_store.candles(found.uid).read_bytes(), asset=asset)
    except (OSError, BadCandles) as error:
        raise CandlesRefused("internal") from error


def file_of(user: User, uid: object) -> CandleFile:
    """One of the user's own. Raises `CandlesRefused`."""
    try:
        found = CandleFile.objects.owned_by(user).filter(uid=UUID(str(uid))).first()
    except ValueError:
        found = None
    if found is None:
        raise CandlesRefused("bad_source")
    return found


def _span(source: Mapping[str, Any], seconds: int, *, at: datetime) -> dict[str, int]:
    """From when on, and how many; by default the last that have closed."""
    count = _whole(source, "count", 5000)
    if count < FEWEST:
        raise CandlesRefused("too_few", least=FEWEST, found=count)
    most = min(MOST_CANDLES, MOST_SECONDS // seconds)
    if count > most:
        raise CandlesRefused("too_many", most=most)
    newest = int(at.timestamp()) // seconds * seconds - count * seconds
    start = _whole(source, "start", newest)
    if not FIRST <= start <= newest or start % seconds:
        raise CandlesRefused("bad_value", name="start")
    return {"start": start, "count": count}


def _whole(source: Mapping[str, Any], name: str, default: int) -> int:
    value = source.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise CandlesRefused("bad_value", name=name)
    return value


def _rows(source: Mapping[str, Any]) -> Any:
    return ClosedCandle.objects.filter(
        broker=source["broker"], asset=source["asset"], seconds=source["seconds"]
    )


def _check_recorded(source: Mapping[str, Any]) -> None:
    count = _rows(source).count()
    if count < FEWEST:
        raise CandlesRefused("too_few", least=FEWEST, found=count)


def _recorded(source: Mapping[str, Any]) -> Candles:
    """What nodes heard from the broker, the newest of it."""
    columns = ("start", "open", "high", "low", "close")
    rows = list(_rows(source).order_by("-start").values_list(*columns)[:MOST_CANDLES])
    if len(rows) < FEWEST:
        raise CandlesRefused("too_few", least=FEWEST, found=len(rows))
    start, *prices = zip(*reversed(rows), strict=True)
    return Candles(
        str(source["asset"]),
        int(source["seconds"]),
        np.array(start, np.int64),
        *(np.array(one, np.float64) for one in prices),
    )
