"""Rows of socket predictions on their way to the disk: written together, a few times a second."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from predictions.models import PredictionLog
from predictions.services import save_rows

FLUSH_SECONDS = 0.2
MOST_ROWS = 20_000


class LogFull(Exception):
    """The database has not taken rows for so long that no more are accepted."""


@dataclass(slots=True)
class Ledger:
    """One connection's: the highest frame whose rows are on disk."""

    logged_through: int = 0


Entry = tuple[Sequence[PredictionLog], Ledger, int]


class LogBuffer:
    """Filled by event loops, emptied by the process's background thread."""

    def __init__(
        self,
        save: Callable[[Sequence[PredictionLog]], None] = save_rows,
        *,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self._save = save
        self._most_rows = most_rows
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._entries: list[Entry] = []
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: Sequence[PredictionLog], ledger: Ledger, frame: int) -> None:
        """Take the rows of one frame. Raises `LogFull`: then the frame must not be answered as
        if it were logged."""
        with self._lock:
            if self._rows + len(rows) > self._most_rows:
                raise LogFull
            self._entries.append((rows, ledger, frame))
            self._rows += len(rows)

    def flush(self) -> None:
        """Write what was added. What the database does not take stays, and its error is raised."""
        with self._flushing:
            with self._lock:
                entries = list(self._entries)
            if not entries:
                return
            rows = [row for rows, _, _ in entries for row in rows]
            self._save(rows)
            for _, ledger, frame in entries:
                ledger.logged_through = frame
            with self._lock:
                del self._entries[: len(entries)]
                self._rows -= len(rows)


log_buffer = LogBuffer()
