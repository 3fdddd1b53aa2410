from collections.abc import Iterator

import pytest

from assistant.answering import answering
from assistant.providers import chain
from assistant.tests.scripted import Scripted
from predictions.tests.conftest import stand_in

__all__ = ["engine", "scripted", "stand_in"]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    """What answers instead of any provider."""
    one = Scripted()
    monkeypatch.setattr(chain, "chat", one.chat)
    return one


@pytest.fixture
def engine(transactional_db: None, scripted: Scripted) -> Iterator[Scripted]:
    """Answers are written, by what the test scripts."""
    answering.start()
    yield scripted
    scripted.let_all()
    answering.stop()
