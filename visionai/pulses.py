"""Signs of life of what no request reaches: the workers and the clock that gives them work.

Each worker writes one for its queues from a thread of its own, so that a long job hides nothing;
the clock's is a job that it sends twice a minute. They lie in the cache, which all processes share.
"""

import logging
import threading
import time
from collections.abc import Iterable

from django.core.cache import cache
from django.db import connection

log = logging.getLogger(__name__)

EVERY_S = 10.0
LOST_S = 45.0  # a worker that is silent for so long is gone
CLOCK_S = 120.0  # the clock sends every 30 s
KEPT_S = 86_400
CLOCK = "clock"


def give(name: str) -> None:
    """A sign of life, now."""
    cache.set(f"pulse:{name}", time.time(), KEPT_S)


def age(name: str) -> float | None:
    """Seconds since the last one; None where none is known."""
    at = cache.get(f"pulse:{name}")
    return None if at is None else max(0.0, time.time() - float(at))


def keep_giving(names: Iterable[str], *, stop: threading.Event | None = None) -> threading.Thread:
    """Give one for each name until `stop`, from a thread that ends with the process."""
    wanted, ended = list(names), stop or threading.Event()

    def beat() -> None:
        while True:
            try:
                for name in wanted:
                    give(name)
            except Exception:
                log.warning("no sign of life could be given", exc_info=True)
            finally:
                connection.close()
            if ended.wait(EVERY_S):
                return

    thread = threading.Thread(target=beat, name="pulse", daemon=True)
    thread.start()
    return thread
