"""Following orders to their end, by whichever signal tells of it first.

Brokers close a position with one of three events, and sometimes with none: then the history is
asked, 5 s after the expiry and with growing pauses from there on.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from trading.brokers.base import BrokerEvent, PositionChanged
from trading.brokers.quadcode.hosts import Patience
from trading.brokers.quadcode.link import Link, NoAnswer, NotSent, Refused
from trading.brokers.quadcode.positions import OUTCOMES, TYPES, Book, Known, read_position
from trading.brokers.quadcode.wire import Frame, inside, rows, whole
from trading.core.market import Outcome
from trading.core.settlement import profit_of

log = logging.getLogger(__name__)

SETTLED_BY: Final = 1.0  # seconds after a secondary signal by which the position should tell
PAUSES: Final = (5, 10, 20, 40, 60)  # seconds of the broker's clock, from the expiry on


class Settling:
    """The positions of one balance on one connection."""

    def __init__(
        self,
        link: Link,
        balance_id: int,
        tell: Callable[[BrokerEvent], None],
        name_of: Callable[[int], str],
    ) -> None:
        self._link, self._tell, self._name_of = link, tell, name_of
        self._book = Book(balance_id)
        self._balance_id = balance_id
        self._due: dict[str, tuple[int, float]] = {}  # broker id → (tries, when to ask)
        self._rumours: dict[str, Known] = {}  # ends that only a secondary signal told of
        self._news: dict[str, asyncio.Future[Known]] = {}  # who waits for a position to appear
        self._task: asyncio.Task[None] | None = None

    def start(self, patience: Patience) -> None:
        self._task = asyncio.create_task(self._look(patience), name="quadcode settling")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def running(self, broker_id: str) -> Known | None:
        return self._book.running.get(broker_id)

    def follow(self, known: Known) -> bool:
        """Tell nobody of it, but of its end."""
        return self._book.take(known)

    async def appears(self, broker_id: str, *, seconds: float) -> Known | None:
        """The position, once an event has told of it; None when none did in time."""
        if (known := self.running(broker_id)) is not None:
            return known
        future = self._news.setdefault(broker_id, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(future)
        except TimeoutError:
            return None
        finally:
            self._news.pop(broker_id, None)

    # Events

    def hear(self, frame: Frame) -> None:
        if frame.name == "position-changed":
            self._take(read_position(frame.msg, self._name_of))
        elif frame.name == "socket-option-closed":
            self._closed(inside(frame.msg, "id"), inside(frame.msg, "win"))
        elif frame.name == "option-closed":
            self._closed(inside(frame.msg, "option_id"), inside(frame.msg, "result"))

    def _take(self, known: Known | None) -> None:
        if known is None or not self._book.take(known):
            return
        number = known.position.broker_id
        if known.position.outcome is not None:
            self._due.pop(number, None)
            self._rumours.pop(number, None)
        self._tell(PositionChanged(known.position))
        future = self._news.get(number)
        if future is not None and not future.done():
            future.set_result(known)

    def _closed(self, number: object, result: object) -> None:
        """A secondary signal: it says less than a position does, so the history is asked first."""
        known, outcome = self.running(str(whole(number))), OUTCOMES.get(str(result))
        if known is None or outcome is None:
            return
        position = known.position
        self._due.setdefault(position.broker_id, (0, self._link.time() + SETTLED_BY))
        if outcome is not Outcome.WON or position.payout > 0:
            profit = profit_of(outcome, stake=position.stake, payout=position.payout)
            ended = replace(position, outcome=outcome, profit=profit, closed_at=position.expires_at)
            self._rumours[position.broker_id] = replace(known, position=ended, version=0)

    # Looking

    async def _look(self, patience: Patience) -> None:
        while True:
            await asyncio.sleep(patience.look)
            if self._link.silent_for > patience.dead:
                self._link.end("stale")
                return
            now = self._link.time()
            for number, known in list(self._book.running.items()):
                tries, when = self._due.get(number, (0, _end(known) + PAUSES[0]))
                if now >= when:
                    pause = PAUSES[min(tries + 1, len(PAUSES) - 1)]
                    self._due[number] = (tries + 1, now + pause)
                    await self._ask(known)

    async def _ask(self, known: Known) -> None:
        body: dict[str, Any] = {"instrument_types": list(TYPES), "external_id": known.external_id}
        try:
            msg = await self._link.ask("portfolio.get-history-positions", "2.0", body)
        except (NotSent, NoAnswer, Refused) as error:
            log.info("A position's end cannot be asked for: %s", type(error).__name__)
            return
        number = known.position.broker_id
        for row in rows(inside(msg, "positions")):
            found = read_position(row, self._name_of)
            if found is not None and found.position.broker_id == number:
                self._take(replace(found, version=0))
        self._take(self._rumours.pop(number, None))


def _end(known: Known) -> float:
    return known.position.expires_at.timestamp()
