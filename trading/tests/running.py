"""A node inside a test, and what people do with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

from accounts.models import User
from sessions_app.tests.factories import a_user
from trading import commands, services
from trading.brokers.emulator.people import PASSWORD
from trading.models import Command, TradingSession
from trading.node import Node

T = TypeVar("T")


def now() -> datetime:
    return datetime.now(UTC)


async def do(work: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """In the thread of the test's own connection."""
    return await sync_to_async(work)(*arguments, **named)


@asynccontextmanager
async def a_node(*, lease: float = 30.0) -> AsyncIterator[Node]:
    """Runs in the test's event loop until the end of the block."""
    node = Node(lease=lease, threads=2)
    running = asyncio.create_task(node.run())
    try:
        yield node
    finally:
        node.stop()
        await running


async def until(holds: Callable[[], bool], *, seconds: float = 15.0) -> None:
    limit = asyncio.get_running_loop().time() + seconds
    while not await do(holds):
        assert asyncio.get_running_loop().time() < limit, "it never came true"
        await asyncio.sleep(0.05)


async def asked(node: Node, command: Command, *, seconds: float = 15.0) -> Any:
    """What the node answers. Raises its refusal."""
    node.told(str(command.session_id))
    return await commands.answer(command, seconds=seconds)


async def connecting(
    user: User | None = None, *, email: str = "load1@test", **changed: Any
) -> tuple[TradingSession, Command]:
    """As somebody asks for it."""
    given: dict[str, Any] = {
        "sesion": None,
        "broker": "exnova",
        "account_type": "PRACTICE",
        "email": email,
        "password": PASSWORD,
        "at": now(),
    }
    user = user or await do(a_user)
    return await do(services.begin_connect, user, **given | changed)


async def connected(node: Node, user: User | None = None, **changed: Any) -> TradingSession:
    session, command = await connecting(user, **changed)
    await asked(node, command)
    return await fresh(session)


async def fresh(session: TradingSession) -> TradingSession:
    return await TradingSession.objects.select_related("user").aget(pk=session.pk)


def in_state(session: TradingSession, *states: str) -> Callable[[], bool]:
    return lambda: TradingSession.objects.filter(pk=session.pk, state__in=states).exists()
