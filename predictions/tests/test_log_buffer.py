from collections.abc import Sequence

import pytest

from predictions.log_buffer import Ledger, LogBuffer, LogFull
from predictions.models import PredictionLog


class Table:
    """Stands for the database; `gone` makes it refuse."""

    def __init__(self) -> None:
        self.rows: list[PredictionLog] = []
        self.gone = False

    def save(self, rows: Sequence[PredictionLog]) -> None:
        if self.gone:
            raise ConnectionError
        self.rows += rows


def test_rows_are_written_together_and_the_ledger_follows() -> None:
    table = Table()
    buffer, ana, eva = LogBuffer(table.save), Ledger(), Ledger()
    buffer.add([PredictionLog(), PredictionLog()], ana, 3)
    buffer.add([PredictionLog()], eva, 1)
    buffer.add([PredictionLog()], ana, 4)
    assert (ana.logged_through, len(buffer)) == (0, 4)
    buffer.flush()
    assert (ana.logged_through, eva.logged_through) == (4, 1)
    assert (len(table.rows), len(buffer)) == (4, 0)
    buffer.flush()
    assert len(table.rows) == 4


def test_what_the_database_does_not_take_waits_and_is_not_said_to_be_logged() -> None:
    table, ledger = Table(), Ledger()
    buffer = LogBuffer(table.save, most_rows=2)
    table.gone = True
    buffer.add([PredictionLog()], ledger, 1)
    with pytest.raises(ConnectionError):
        buffer.flush()
    buffer.add([PredictionLog()], ledger, 2)
    with pytest.raises(LogFull):
        buffer.add([PredictionLog()], ledger, 3)
    assert ledger.logged_through == 0
    table.gone = False
    buffer.flush()
    assert (ledger.logged_through, len(table.rows)) == (2, 2)
