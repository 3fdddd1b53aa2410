"""Market data of a node: one subscription for each broker, asset and size, whoever asks.

A broker's quotes are the same for all its sessions, so one connection feeds all of a node; where
it is lost, another one of the subscribers takes its place.
"""

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from sessions_app.changes import announce
from trading.brokers.base import Broker, BrokerError
from trading.core.market import Candle, Candles
from trading.events import TRADING_CANDLE
from trading.forming import Telling
from trading.models import ClosedCandle

log = logging.getLogger(__name__)
KEPT = 1000  # closed candles a feed
BACK = 300  # asked for at the start


class Subscriber(Protocol):
    """A session of this node."""

    broker_name: str

    @property
    def broker(self) -> Broker | None: ...

    def candle_closed(self, feed: "Feed") -> None: ...


@dataclass
class Feed:
    """The closed candles of one asset, oldest first, without a gap at the end."""

    broker_name: str
    asset: str
    seconds: int
    source: Subscriber | None = None
    subscribers: list[Subscriber] = field(default_factory=list)
    closed: deque[Candle] = field(default_factory=lambda: deque(maxlen=KEPT))
    begun: int = 0  # how often `closed` began anew
    _made: Candles | None = None

    @property
    def subject(self) -> str:
        return f"{self.broker_name}:{self.asset}:{self.seconds}"

    def candles(self) -> Candles:
        """What a strategy sees; made once for all that ask."""
        if self._made is not None:
            return self._made
        rows = list(self.closed)
        self._made = Candles(
            asset=self.asset,
            seconds=self.seconds,
            start=np.array([int(one.start.timestamp()) for one in rows], dtype=np.int64),
            open=np.array([one.open for one in rows], dtype=np.float64),
            high=np.array([one.high for one in rows], dtype=np.float64),
            low=np.array([one.low for one in rows], dtype=np.float64),
            close=np.array([one.close for one in rows], dtype=np.float64),
        )
        return self._made

    def begin_anew(self) -> None:
        self.closed.clear()
        self.begun += 1
        self._made = None

    def add(self, candle: Candle) -> bool:
        """Whether it is new. What does not follow the last one begins the row anew."""
        if self.closed:
            last = self.closed[-1].start
            if candle.start <= last:
                return False
            if (candle.start - last).total_seconds() != self.seconds:
                self.begin_anew()
        self.closed.append(candle)
        self._made = None
        return True


class Feeds:
    """All feeds of a node; used in its event loop alone."""

    def __init__(self, store: Callable[[Feed, list[Candle]], None], telling: Telling) -> None:
        self._feeds: dict[str, Feed] = {}
        self._store = store
        self._telling = telling

    async def subscribe(self, who: Subscriber, asset: str, *, seconds: int) -> Feed:
        """Raises what the broker raises."""
        subject = f"{who.broker_name}:{asset}:{seconds}"
        feed = self._feeds.setdefault(subject, Feed(who.broker_name, asset, seconds))
        if who not in feed.subscribers:
            feed.subscribers.append(who)
        if feed.source is None:
            await self._begin(feed, who)
        return feed

    def unsubscribe(self, who: Subscriber, feed: Feed) -> None:
        if who in feed.subscribers:
            feed.subscribers.remove(who)
        if not feed.subscribers:
            self._feeds.pop(feed.subject, None)
            self._telling.forget(feed.subject)

    async def lost(self, who: Subscriber) -> None:
        """Its connection is gone: another subscriber takes its feeds over."""
        for feed in [one for one in self._feeds.values() if one.source is who]:
            feed.source = None
            self._telling.forget(feed.subject)
            await self.revive(feed)

    def close(self) -> None:
        """The node ends: what is lost from here on is not looked for elsewhere."""
        for subject in self._feeds:
            self._telling.forget(subject)
        self._feeds.clear()

    async def revive(self, feed: Feed) -> None:
        """Find a source for a feed that has none."""
        for other in feed.subscribers:
            if feed.source is not None:
                return
            if other.broker is not None:
                try:
                    await self._begin(feed, other)
                except BrokerError:
                    log.info("A feed found no source yet")

    def of(self, who: Subscriber) -> list[Feed]:
        return [feed for feed in self._feeds.values() if who in feed.subscribers]

    def update(self, who: Subscriber, candle: Candle) -> None:
        """A candle from a connection; of several that tell the same, one counts."""
        subject = f"{who.broker_name}:{candle.asset}:{candle.seconds}"
        feed = self._feeds.get(subject)
        if feed is None or feed.source is not who:
            return
        if not candle.is_closed:
            self._telling.hear(subject, candle)
            return
        if feed.add(candle):
            self._store(feed, [candle])
            for subscriber in list(feed.subscribers):
                subscriber.candle_closed(feed)

    async def _begin(self, feed: Feed, who: Subscriber) -> None:
        broker = who.broker
        if broker is None:
            return
        feed.source = who
        try:
            await broker.watch(feed.asset, seconds=feed.seconds)
            past = await broker.candles(feed.asset, seconds=feed.seconds, count=BACK)
        except BaseException:
            feed.source = None
            raise
        feed.begin_anew()
        for candle in past:
            feed.add(candle)
        self._store(feed, past)


def store_candles(feed: Feed, candles: list[Candle]) -> None:
    """Keep closed candles, once each whichever node hears them, and tell of them."""
    rows = [
        ClosedCandle(
            broker=feed.broker_name,
            asset=feed.asset,
            seconds=feed.seconds,
            start=int(one.start.timestamp()),
            open=one.open,
            high=one.high,
            low=one.low,
            close=one.close,
        )
        for one in candles
    ]
    ClosedCandle.objects.bulk_create(rows, ignore_conflicts=True, batch_size=200)
    announce(TRADING_CANDLE, feed.subject)


def age(candle: Candle, *, at: datetime) -> float:
    """Seconds since the candle closed."""
    return (at - candle.start.astimezone(UTC)).total_seconds() - candle.seconds
