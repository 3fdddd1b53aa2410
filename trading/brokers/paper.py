"""The embedded broker: a market out of a seed, an account that a ledger remembers."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from trading.brokers.base import (
    Account,
    AccountUnavailable,
    BalanceChanged,
    BrokerEvent,
    CandleUpdate,
    Credentials,
    Disconnected,
    OrderRejected,
    OrderRequest,
    OrderUnknown,
    Password,
    Position,
    PositionChanged,
    SecondFactorUnsupported,
    Secret,
)
from trading.brokers.clock import Clock
from trading.brokers.events import EventQueue
from trading.brokers.paper_ledger import NoMoney, PaperLedger
from trading.core.market import AccountType, Asset, Candle
from trading.core.paper_market import Listing, PaperMarket, PaperOrder, Refusal
from trading.core.prices import candle_at, candles_of, listed

SIZES: Final = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
MOST_CANDLES: Final = 1000
CAUGHT_UP: Final = 5  # closed candles that a late tick still tells of


class PaperConnector:
    """Opens the paper account that `ledger` holds; credentials are not looked at."""

    def __init__(
        self, market: PaperMarket, ledger: PaperLedger, *, clock: Clock, account: str = "paper"
    ) -> None:
        self._market, self._ledger, self._clock = market, ledger, clock
        self._account = account

    async def connect(
        self, credentials: Credentials, *, account_type: AccountType
    ) -> "PaperBroker":
        if account_type is not AccountType.PRACTICE:
            raise AccountUnavailable("paper money is never REAL")
        broker = PaperBroker(self._market, self._ledger, clock=self._clock)
        await broker.start(self._account)
        return broker

    async def send_code(self, state: Secret, *, method: str) -> Secret:
        raise SecondFactorUnsupported

    async def answer(
        self, state: Secret, code: str, credentials: Password, *, account_type: AccountType
    ) -> "PaperBroker":
        raise SecondFactorUnsupported


class PaperBroker:
    """One connection to a paper account."""

    account: Account

    def __init__(self, market: PaperMarket, ledger: PaperLedger, *, clock: Clock) -> None:
        self._market, self._ledger, self._clock = market, ledger, clock
        self._events = EventQueue()
        self._watched: dict[tuple[str, int], int] = {}  # (asset, seconds) → start of the forming
        self._running: dict[str, PaperOrder] = {}
        self._ticking: asyncio.Task[None] | None = None

    async def start(self, account: str) -> None:
        now = self.now()
        self.account = Account(
            balance_id=account,
            account_type=AccountType.PRACTICE,
            balance=await self._ledger.balance(at=now),
            currency=self._market.terms.currency,
            token=None,
        )
        for order in await self._ledger.open_orders(at=now):
            self._running[order.broker_id] = order
        self._ticking = asyncio.create_task(self._tick(), name="paper")

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)

    async def assets(self) -> list[Asset]:
        return self._market.assets(self._clock.time())

    async def candles(
        self, asset: str, *, seconds: int, count: int, until: datetime | None = None
    ) -> list[Candle]:
        prices = self._listing(asset, seconds).prices
        now = int(self._clock.time())
        last = min(now, int(until.timestamp())) if until else now
        end = last - last % seconds
        wanted = max(0, min(count, MOST_CANDLES))
        found = candles_of(
            prices, asset, seconds=seconds, start=end - wanted * seconds, count=wanted
        )
        return listed(found)

    async def watch(self, asset: str, *, seconds: int) -> None:
        self._listing(asset, seconds)
        now = int(self._clock.time())
        self._watched.setdefault((asset, seconds), now - now % seconds)

    async def balance(self) -> Decimal:
        return await self._ledger.balance(at=self.now())

    async def place(self, order: OrderRequest) -> Position:
        self._refuse_when_closed()
        latency = self._market.latency(order.reference)
        await self._clock.sleep(latency / 2)
        self._refuse_when_closed()
        if order.not_after is not None and time.monotonic() > order.not_after:
            raise OrderRejected("late")
        taken = self._market.order(
            reference=order.reference,
            asset=order.asset,
            direction=order.direction,
            stake=order.stake,
            minutes=order.minutes,
            now=self._clock.time(),
        )
        if isinstance(taken, Refusal):
            raise OrderRejected(taken.reason, taken.text)
        try:
            taken = await self._ledger.add(taken)
        except NoMoney as error:
            text = "Insufficient funds for this transaction."
            raise OrderRejected("no_money", text) from error
        except Exception as error:
            raise OrderUnknown from error  # the row may be there all the same
        self._running[taken.broker_id] = taken
        position = position_of(taken, at=taken.opened_at)
        self._events.put(PositionChanged(position))
        await self._tell_balance()
        await self._clock.sleep(latency / 2)
        return position

    async def open_positions(self) -> list[Position]:
        now = self.now()
        return [position_of(one, at=now) for one in await self._ledger.open_orders(at=now)]

    async def closed_positions(self, *, since: datetime) -> list[Position]:
        now = self.now()
        found = await self._ledger.closed_orders(since=since, at=now)
        return [position_of(one, at=now) for one in found]

    async def refill(self) -> Decimal:
        filled = await self._ledger.refill(to=self._market.terms.start_balance, at=self.now())
        self._events.put(BalanceChanged(filled))
        return filled

    def events(self) -> AsyncIterator[BrokerEvent]:
        return self._events.read()

    async def close(self, *, logout: bool) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
        self._events.put(Disconnected("closed"))

    def _listing(self, asset: str, seconds: int) -> Listing:
        if asset not in self._market.listings:
            raise OrderRejected("unknown_asset", asset)
        if seconds not in SIZES:
            raise ValueError(f"there are no candles of {seconds} s")
        return self._market.listings[asset]

    def _refuse_when_closed(self) -> None:
        if self._events.ended:
            raise OrderRejected("not_connected")

    async def _tell_balance(self) -> None:
        self._events.put(BalanceChanged(await self.balance()))

    async def _tick(self) -> None:
        """Once a second: the watched candles, and the options that have ended."""
        try:
            while True:
                self._tell_candles(int(self._clock.time()))
                await self._tell_ended()
                await self._clock.sleep(1 - self._clock.time() % 1)
        except Exception:
            self._events.put(Disconnected("lost"))
            raise

    def _tell_candles(self, second: int) -> None:
        for (asset, seconds), forming in self._watched.items():
            prices = self._market.listings[asset].prices
            start = second - second % seconds
            ended = min((start - forming) // seconds, CAUGHT_UP)
            closed = candles_of(
                prices, asset, seconds=seconds, start=start - ended * seconds, count=ended
            )
            for candle in listed(closed):
                self._events.put(CandleUpdate(candle))
            self._watched[asset, seconds] = start
            now = candle_at(prices, asset, seconds=seconds, second=second)
            self._events.put(CandleUpdate(now))

    async def _tell_ended(self) -> None:
        now = self.now()
        ended = [one for one in self._running.values() if one.expires_at <= now]
        for order in ended:
            del self._running[order.broker_id]
            self._events.put(PositionChanged(position_of(order, at=now)))
        if ended:
            await self._tell_balance()


def position_of(order: PaperOrder, *, at: datetime) -> Position:
    """What the account shows of an order at a moment."""
    ended = order.expires_at <= at
    return Position(
        broker_id=order.broker_id,
        asset=order.asset,
        direction=order.direction,
        stake=order.stake,
        opened_at=order.opened_at,
        expires_at=order.expires_at,
        open_price=order.open_price,
        payout=order.payout,
        outcome=order.outcome if ended else None,
        profit=order.profit if ended else None,
        close_price=order.close_price if ended else None,
        closed_at=order.expires_at if ended else None,
        reference=order.reference,
    )
