"""Wakes the readers of changes in other processes through Redis, where it is set.

It carries no news: who is woken reads the table. So a lost push costs a quarter of a second.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

CHANNEL = "visionai:changes"
TIMEOUT = 0.5  # seconds
RETRY = 5.0  # seconds without a try after a failure

log = logging.getLogger(__name__)


class Push:
    """Sends and hears "there is a change"; silent without a URL."""

    def __init__(self, url: str | None, heard: Callable[[], None]) -> None:
        self._url = url
        self._heard = heard
        self._client: Any = None
        self._quiet_until = 0.0
        self._halt = threading.Event()
        self._thread: threading.Thread | None = None

    def send(self) -> None:
        if not self._url or time.monotonic() < self._quiet_until:
            return
        from redis import RedisError

        try:
            self._client = self._client or self._connect()
            self._client.publish(CHANNEL, b"1")
        except RedisError:
            self._quiet_until = time.monotonic() + RETRY
            log.warning("Redis does not take pushes; other processes hear by polling")

    def start(self) -> None:
        if not self._url:
            return
        self._halt.clear()
        self._thread = threading.Thread(target=self._run, name="push", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._halt.set()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None

    def _run(self) -> None:
        from redis import RedisError

        while not self._halt.is_set():
            try:
                self._hear()
            except RedisError:
                log.warning("Redis cannot be heard; changes are read by polling")
                self._halt.wait(RETRY)

    def _hear(self) -> None:
        with self._connect() as client, client.pubsub(ignore_subscribe_messages=True) as heard:
            heard.subscribe(CHANNEL)
            self._heard()  # what was pushed before we subscribed
            while not self._halt.is_set():
                if heard.get_message(timeout=0.5):
                    self._heard()

    def _connect(self) -> Any:
        from redis import Redis

        assert self._url
        return Redis.from_url(self._url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
