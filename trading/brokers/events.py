"""What a connection has to tell, for one reader that may be slow."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from trading.brokers.base import BalanceChanged, BrokerEvent, CandleUpdate, Disconnected

MOST: Final = 10_000  # a reader so far behind is told that the connection was lost


class EventQueue:
    """Of forming candles and balances only the newest waits; everything else is kept in order."""

    def __init__(self) -> None:
        self._waiting: deque[BrokerEvent] = deque()
        self._newest: dict[object, BrokerEvent] = {}  # in the place of the first one that waits
        self._news = asyncio.Event()
        self.ended = False

    def put(self, event: BrokerEvent) -> None:
        """Nothing is taken after `Disconnected`."""
        if self.ended:
            return
        if len(self._waiting) >= MOST:
            event = Disconnected("lost")
        self.ended = isinstance(event, Disconnected)
        subject = _replaced_by_newer(event)
        if subject is None:
            self._waiting.append(event)
        else:
            if subject not in self._newest:
                self._waiting.append(event)
            self._newest[subject] = event
        self._news.set()

    async def read(self) -> AsyncIterator[BrokerEvent]:
        while True:
            while self._waiting:
                event = self._waiting.popleft()
                subject = _replaced_by_newer(event)
                if subject is not None:
                    event = self._newest.pop(subject)
                yield event
                if isinstance(event, Disconnected):
                    return
            self._news.clear()
            await self._news.wait()


def _replaced_by_newer(event: BrokerEvent) -> object | None:
    """What the event is the state of; None for one that must arrive."""
    if isinstance(event, BalanceChanged):
        return BalanceChanged
    if isinstance(event, CandleUpdate) and not event.candle.is_closed:
        return (event.candle.asset, event.candle.seconds)
    return None
