"""One session in the hands of its node: connected as wanted, its orders sent and followed.

A keeper looks at its rows when it is woken (by news, by its broker, by its own clock) and makes
what is into what is wanted. It writes under its number alone; `Fenced` ends it at once.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from trading import connections, forming, order_flow
from trading.brokers.base import (
    BalanceChanged,
    Broker,
    CandleUpdate,
    Disconnected,
    OrderRejected,
    OrderRequest,
    Position,
    PositionChanged,
)
from trading.core.market import Direction
from trading.feeds import Feed
from trading.following import Following
from trading.heard import Told
from trading.logins import Logins
from trading.models import Command, Order, TradingSession
from trading.obeying import obey
from trading.order_flow import Owner
from trading.ownership import Fenced, release

if TYPE_CHECKING:
    from trading.node import Node

log = logging.getLogger(__name__)
State, Wanted = TradingSession.State, TradingSession.Wanted
SEND_WITHIN = 5.0  # seconds from the row to the wire; later it is not sent
ANSWER_WITHIN = 20.0
UNSENT = {"late", "not_connected", "stale", "in_flight"}  # refused before the broker was asked
WATCHED = 300.0  # seconds
RESTS = 30.0  # seconds between looks that nothing asked for
LONGEST_BACK_OFF = 60.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Look:
    """The rows of a session at one moment."""

    session: TradingSession
    commands: list[Command]
    pending: list[Order]


class Keeper:
    """See above. All of it runs in the node's event loop."""

    def __init__(self, node: "Node", owner: Owner) -> None:
        self.node, self.owner = node, owner
        self.broker: Broker | None = None
        self.broker_name = ""
        self.news = asyncio.Event()
        self.placing: dict[int, asyncio.Task[None]] = {}
        self.following = Following(self)
        self.logins = Logins(self)
        self.bot = node.make_bot(self)
        self._reader: asyncio.Task[None] | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._done = False
        self._uses: dict[str, set[str]] = {}  # why a feed is taken, by its subject
        self._watched: dict[str, float] = {}  # until when a page looks at it

    # For the node

    async def run(self) -> None:
        """Until the session needs no node, or another one has it."""
        try:
            await self._begin()
            while not self._done:
                self.news.clear()
                await self._step()
                if not self._done:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.news.wait(), self._pause())
            await self._hand_over()
        except Fenced:
            log.info("Session %s has another owner", self.owner.session_id)
        finally:
            await self._let_go()

    def wake(self) -> None:
        self.news.set()

    def stop(self) -> None:
        """At the node's stop: leave the session to another one."""
        self._done = True
        self.news.set()

    def candle_closed(self, feed: Feed) -> None:
        self.bot.candle_closed(feed)

    async def take_feed(self, asset: str, *, seconds: int, why: str) -> Feed:
        """Have the candles come, for as long as there is a reason. Raises `BrokerError`…"""
        feed = await self.node.feeds.subscribe(self, asset, seconds=seconds)
        self._uses.setdefault(feed.subject, set()).add(why)
        return feed

    def drop_feed(self, feed: Feed, *, why: str) -> None:
        reasons = self._uses.get(feed.subject, set())
        reasons.discard(why)
        if not reasons:
            self._uses.pop(feed.subject, None)
            self.node.feeds.unsubscribe(self, feed)

    async def watch(self, asset: str, *, seconds: int, process: str) -> None:
        """For a page of that process; it ends by itself."""
        feed = await self.take_feed(asset, seconds=seconds, why="page")
        self._watched[feed.subject] = time.monotonic() + WATCHED
        if process != forming.process():
            self.node.telling.ask(feed.subject, seconds=WATCHED)

    # For the parts of a keeper

    async def db(self, work: Callable[..., T], *arguments: object, **named: object) -> T:
        return await self.node.db(work, *arguments, **named)

    async def write(
        self,
        what: Position | Decimal,
        *,
        order_pk: int | None = None,
        taken_ms: int | None = None,
        at: datetime,
    ) -> Order | None:
        """What the broker says, with what others say; the order that it is about."""
        return await self.node.writer.write(Told(self.owner, what, at, order_pk, taken_ms))

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    async def use(self, broker: Broker) -> None:
        """Take over an open connection. Raises `AccountInUse`."""
        try:
            await self.db(connections.mark_connected, self.owner, broker.account, at=self.now())
        except BaseException:
            await broker.close(logout=False)
            raise
        self.broker, self._failures = broker, 0
        self.following.look_soon()
        self._reader = asyncio.create_task(self._read(broker))
        for feed in self.node.feeds.of(self):
            await self.node.feeds.revive(feed)

    async def leave(self, *, logout: bool) -> None:
        """End the connection by our own will."""
        broker, self.broker = self.broker, None
        if self._reader is not None:
            self._reader.cancel()
        await self.node.feeds.lost(self)
        if broker is not None:
            with suppress(Exception):  # it ends whatever it says
                async with asyncio.timeout(5):
                    await broker.close(logout=logout)

    def back_off(self, *, at_least: float = 0.0) -> None:
        """Try again later: longer each time, and never all sessions at once."""
        self._failures += 1
        most = min(LONGEST_BACK_OFF, 1.0 * 2**self._failures)
        jitter = secrets.randbelow(1000) / 1000
        self._retry_at = time.monotonic() + at_least + most * jitter

    # Steps

    async def _begin(self) -> None:
        now = self.now()
        await self.db(order_flow.take_over, self.owner, at=now)
        await self.db(connections.fail_left_commands, self.owner, at=now)
        session = (await self._look()).session
        self.broker_name = session.broker
        if session.state == State.CONNECTED:
            await self.db(
                connections.mark_state, self.owner, State.RECONNECTING, reason="restarted", at=now
            )

    async def _hand_over(self) -> None:
        """Nobody has it until another node does, and its row says so."""
        if self.placing:  # their answers count; what has none by then is looked for later
            await asyncio.wait(list(self.placing.values()), timeout=3.0)
        if (await self._look()).session.state == State.CONNECTED:
            await self._mark(State.RECONNECTING, "restarting")
        await self.db(release, self.owner.session_id, self.owner.fence)

    async def _look(self) -> Look:
        return await self.db(_look, self.owner)

    async def _step(self) -> None:
        look = await self._look()
        for command in look.commands:
            if await self.db(connections.take_command, self.owner, command):
                await obey(self, look.session, command)
                look = await self._look()
        session = look.session
        if session.state in TradingSession.AT_REST:
            self._done = True
        elif session.wanted == Wanted.DISCONNECTED:
            await self._close(session)
        elif session.state == State.VERIFYING:
            await self.logins.give_up_late_code(session)
        else:
            await self._keep(session, look.pending)

    async def _keep(self, session: TradingSession, pending: list[Order]) -> None:
        if self.broker is None and session.state != State.CONNECTING:
            await self._reconnect(session)
        if self.broker is not None:
            if self.node.holds_leases():
                self._send(pending)
            await self.following.follow(self.broker)
            await self.bot.converge(session)
            self._end_watches()

    def _end_watches(self) -> None:
        for feed in self.node.feeds.of(self):
            if self._watched.get(feed.subject, 0.0) < time.monotonic():
                self._watched.pop(feed.subject, None)
                self.drop_feed(feed, why="page")

    async def _close(self, session: TradingSession) -> None:
        """Nothing new; what is open to its end; then leave and forget."""
        await self.bot.end(reason=session.reason)
        await self.db(order_flow.drop_pending, self.owner, reason=session.reason, at=self.now())
        open_orders = await self.db(order_flow.at_risk, self.owner)
        if open_orders or self.placing:
            if session.state != State.CLOSING:
                session = await self._mark(State.CLOSING, session.reason)
            if self.broker is None and await self.logins.can_come_back(session):
                await self._reconnect(session)
            if self.broker is not None:
                await self.following.follow(self.broker)
            if not self.following.has_given_up(open_orders):
                return
        await self.leave(logout=True)
        await self.db(connections.mark_disconnected, self.owner, at=self.now())
        self._done = True

    async def _reconnect(self, session: TradingSession) -> None:
        if time.monotonic() >= self._retry_at:
            await self.logins.come_back(session)

    async def _mark(self, state: str, reason: str) -> TradingSession:
        return await self.db(
            connections.mark_state, self.owner, state, reason=reason, at=self.now()
        )

    def _send(self, pending: list[Order]) -> None:
        for order in pending:
            if order.pk not in self.placing:
                self.placing[order.pk] = asyncio.create_task(self._place(order.pk))

    async def _place(self, order_pk: int) -> None:
        """Send one order, once, and write down what the broker said, or that it said nothing."""
        broker, began = self.broker, time.monotonic()
        try:
            if broker is None or not self.node.holds_leases():
                return
            clock = broker.now()
            order = await self.db(
                order_flow.mark_sent, self.owner, order_pk, clock=clock, at=self.now()
            )
            if order is None:
                return
            await self._ask_broker(broker, order, not_after=began + SEND_WITHIN)
        except Fenced:
            self._done = True
        except Exception:
            # The row says sent: it is looked for like any order without an answer.
            log.exception("An order of session %s", self.owner.session_id)
        finally:
            self.placing.pop(order_pk, None)
            self.following.look_soon()
            self.wake()

    async def _ask_broker(self, broker: Broker, order: Order, *, not_after: float) -> None:
        request = OrderRequest(
            reference=str(order.key),
            asset=order.asset,
            direction=Direction(order.direction),
            stake=order.stake,
            minutes=order.minutes,
            not_after=min(not_after, self.node.leases_held_until()),
        )
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                position = await broker.place(request)
        except OrderRejected as no:
            taken_ms = None if no.reason in UNSENT else _milliseconds(since=began)
            await self._insist(
                order_flow.mark_rejected, order.pk, reason=no.reason, taken_ms=taken_ms
            )
            await self.bot.rejected(no.reason)
        except Exception as nothing:  # noqa: BLE001 (whatever it was, it was no answer)
            log.info("No answer for order %s: %s", order.pk, type(nothing).__name__)
            await self._insist(order_flow.mark_unknown, order.pk, reason="no_answer")
        else:
            taken_ms = _milliseconds(since=began)
            await self.write(position, order_pk=order.pk, taken_ms=taken_ms, at=self.now())

    async def _insist(self, work: Callable[..., None], order_pk: int, **told: object) -> None:
        await self.db(work, self.owner, order_pk, **told, at=self.now())

    async def _read(self, broker: Broker) -> None:
        """What the broker says unasked, to the end of the connection."""
        hearing: set[asyncio.Task[None]] = set()
        reason = "lost"
        try:
            async for event in broker.events():
                if isinstance(event, Disconnected):
                    reason = event.reason
                    break
                # Begun in their order, and written in it; none waits for the one before.
                task = asyncio.create_task(self._kept(event))
                hearing.add(task)
                task.add_done_callback(hearing.discard)
        except Exception:
            log.exception("The events of session %s ended", self.owner.session_id)
        if hearing:
            await asyncio.wait(hearing)
        await self._lost(broker, reason)

    async def _kept(self, event: object) -> None:
        try:
            await self._heard(event)
        except Fenced:
            self.stop()
        except Exception:
            log.exception("An event of session %s", self.owner.session_id)
            self.following.look_soon()
            self.wake()

    async def _heard(self, event: object) -> None:
        if isinstance(event, CandleUpdate):
            self.node.feeds.update(self, event.candle)
        elif isinstance(event, BalanceChanged):
            await self.write(event.balance, at=self.now())
        elif isinstance(event, PositionChanged):
            order = await self.write(event.position, at=self.now())
            if order is not None and order.session.wanted == Wanted.DISCONNECTED:
                self.wake()

    async def _lost(self, broker: Broker, reason: str) -> None:
        if self.broker is not broker:
            return
        self.broker, self._retry_at = None, time.monotonic() + secrets.randbelow(1000) / 1000
        with suppress(Exception):
            await broker.close(logout=False)
        with suppress(Fenced):
            session = (await self._look()).session
            if session.state == State.CONNECTED:
                await self._mark(State.RECONNECTING, reason)
        await self.node.feeds.lost(self)
        self.wake()

    def _pause(self) -> float:
        """Seconds until something is due without news."""
        due = [RESTS]
        if self.broker is None:
            due.append(self._retry_at - time.monotonic())
        due.append(self.following.due_in())
        return max(0.05, min(due))

    async def _let_go(self) -> None:
        for task in list(self.placing.values()):
            task.cancel()
        self.bot.forget()
        for feed in self.node.feeds.of(self):
            self.node.feeds.unsubscribe(self, feed)
        await self.leave(logout=False)


def _milliseconds(*, since: float) -> int:
    return round((time.monotonic() - since) * 1000)


def _look(owner: Owner) -> Look:
    session = TradingSession.objects.filter(pk=owner.session_id).first()
    if session is None or session.fence != owner.fence:
        raise Fenced
    return Look(session, connections.waiting_commands(owner), order_flow.pending(owner))
