"""Brokers to try the same things on: the embedded one, and the adapter against the emulator."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from trading.brokers.base import Broker, BrokerEvent, OrderRequest, Password, Secret
from trading.brokers.clock import ScaledClock
from trading.brokers.emulator.people import PASSWORD
from trading.brokers.emulator.server import START, Emulator
from trading.brokers.paper import PaperConnector
from trading.brokers.paper_ledger import MemoryLedger
from trading.brokers.quadcode.broker import QuadcodeBroker
from trading.brokers.quadcode.connector import QuadcodeConnector
from trading.brokers.quadcode.gate import OpenGate
from trading.brokers.quadcode.hosts import Hosts, Patience
from trading.core.market import AccountType, Direction
from trading.core.paper_market import PaperMarket, Terms, usual_listings

# The emulator's clock stands still in tests, so silence means nothing here.
QUICK = Patience(
    read=10.0,
    order=1.5,
    stale=60.0,
    dead=120.0,
    look=0.02,
    requests_a_second=0.0,
    catalogue_age=3600.0,
)


def who(email: str = "ok@test", password: str = PASSWORD) -> Password:
    return Password(email, Secret(password))


def an_order(**changes: Any) -> OrderRequest:
    usual = OrderRequest("a", "EURUSD-OTC", Direction.CALL, Decimal("10.00"), 1)
    return replace(usual, **changes)


@dataclass
class Listener:
    """Collects what one connection tells, from its start."""

    broker: Broker
    told: list[BrokerEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for event in self.broker.events():
            self.told.append(event)
            self._news.set()

    def of(self, kind: type[BrokerEvent]) -> list[Any]:
        return [one for one in self.told if isinstance(one, kind)]

    async def until(self, holds: Callable[[], bool], seconds: float = 5.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():
                self._news.clear()
                await self._news.wait()


async def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it never came true"
        await asyncio.sleep(0.01)


def connector_to(emulator: Emulator, patience: Patience = QUICK) -> QuadcodeConnector:
    return QuadcodeConnector(Hosts.of(emulator.hosts), gate=OpenGate(), patience=patience)


@asynccontextmanager
async def an_emulator(**how: Any) -> AsyncIterator[Emulator]:
    """Its time stands still until it is moved."""
    made = Emulator(clock=ScaledClock(START, speed=0), **how)
    await made.start()
    try:
        yield made
        assert made.leaks == []
    finally:
        await made.stop()


@asynccontextmanager
async def connected(
    emulator: Emulator,
    email: str = "ok@test",
    *,
    account_type: AccountType = AccountType.PRACTICE,
    patience: Patience = QUICK,
) -> AsyncIterator[QuadcodeBroker]:
    broker = await connector_to(emulator, patience).connect(who(email), account_type=account_type)
    try:
        yield broker
    finally:
        await broker.close(logout=False)


@dataclass
class Stand:
    """One broker, with hands on its clock."""

    name: str
    connect: Callable[[], Any]
    jump: Callable[[float], None]


@asynccontextmanager
async def a_stand(name: str) -> AsyncIterator[Stand]:
    if name == "paper":
        clock = ScaledClock(START, speed=0)
        market = PaperMarket(usual_listings(1), 1, Terms(latency=(0, 0), dead_time=30))
        maker = PaperConnector(market, MemoryLedger(), clock=clock)
        yield Stand(
            name,
            lambda: maker.connect(who(), account_type=AccountType.PRACTICE),
            clock.jump,
        )
        return
    async with an_emulator() as emulator:
        yield Stand(
            name,
            lambda: connector_to(emulator).connect(who(), account_type=AccountType.PRACTICE),
            lambda seconds: (emulator.control.advance(seconds), None)[1],
        )
