"""A node inside another process, in a thread with an event loop of its own."""

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trading.node import Node

STOP_WITHIN = 8.0  # seconds


class NodeThread:
    """`start` and `stop` from any thread; `make` is called at the start."""

    def __init__(self, make: "Callable[[], Node]") -> None:
        self._make = make
        self.node: Node | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self.node = self._make()
        self._thread = threading.Thread(target=self._run, name="trading-node", daemon=True)
        self._thread.start()

    def told(self, subject: str) -> None:
        if self.node is not None:
            self.node.told(subject)

    def stop(self) -> None:
        node, self.node = self.node, None
        if node is not None and self._thread is not None:
            node.stop()
            self._thread.join(STOP_WITHIN)

    def _run(self) -> None:
        node = self.node
        if node is not None:
            asyncio.run(node.run())
