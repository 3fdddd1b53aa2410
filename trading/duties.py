"""What this app has a serving process do beside answering."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone

from sessions_app import changes
from trading import cleaning, hub, metering, order_flow
from trading.events import TRADING_CANDLE, TRADING_EVENT, TRADING_WORK
from trading.node_thread import NodeThread
from trading.services import touch
from visionai.lib.runtime import runtime

if TYPE_CHECKING:
    from trading.node import Node

NOTE_OPEN = 60.0  # seconds
END_IDLE = 60.0
EMBEDDED_THREADS = 2  # for the database


def register() -> None:
    order_flow.settled_hooks.append(metering.orders_settled)
    changes.listen(TRADING_EVENT, hub.events.told)
    changes.listen(TRADING_CANDLE, hub.candles.told)
    runtime.every(NOTE_OPEN, note_open)
    runtime.every(END_IDLE, end_idle)
    if settings.TRADING_NODE_EMBEDDED:
        changes.listen(TRADING_WORK, node.told)
        runtime.on_start(node.start)
        runtime.on_stop(node.stop)


def _make_node() -> "Node":
    from trading.node import Node  # brokers and strategies, for a process that runs them

    return Node(lease=settings.TRADING_LEASE_SECONDS, threads=EMBEDDED_THREADS)


node = NodeThread(_make_node)


def end_idle() -> None:
    note_open()  # what is looked at now is no idle session
    cleaning.end_idle(at=timezone.now())


def note_open() -> None:
    """A session on which somebody looks through a socket is in use."""
    touch(hub.events.subjects(), at=timezone.now())
