"""Many answers, one transaction; and one that cannot be written holds up no other."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.cache import cache
from django.db import DataError

from assistant import lease, pace
from assistant.core.folding import short
from assistant.lease import Claim, Fate, Said
from assistant.pen import Pen
from assistant.refusals import TooFast

BAD = UUID(int=7)


class Disk:
    """Takes what it is given, a batch at a time, but for what it refuses."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.fault: Exception | None = None

    def write(self, wanted: Sequence[tuple[Claim, Said | None]], **_rest: object) -> list[Fate]:
        self.batches.append(len(wanted))
        if self.fault is not None:
            raise self.fault
        if any(held.pk == BAD for held, _said in wanted):
            raise DataError("a text that this database does not take")
        return [Fate.WRITTEN] * len(wanted)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(lease, "write", made.write)
    return made


def claim(pk: UUID | None = None) -> Claim:
    return Claim(pk or uuid4(), 1, "")


async def written(pen: Pen, *claims: Claim) -> list[Any]:
    work = [pen.write(one, Said("Hola")) for one in claims]
    return await asyncio.gather(*work, return_exceptions=True)


async def test_what_comes_together_is_written_together(disk: Disk) -> None:
    pen = Pen(timedelta(seconds=10))
    assert await written(pen, *(claim() for _ in range(9))) == [Fate.WRITTEN] * 9
    assert disk.batches == [9]
    assert await written(pen, claim()) == [Fate.WRITTEN]
    assert disk.batches == [9, 1]


async def test_one_that_cannot_be_written_holds_up_no_other(disk: Disk) -> None:
    pen = Pen(timedelta(seconds=10))
    found = await written(pen, claim(), claim(BAD), claim())
    assert found[0] is found[2] is Fate.WRITTEN
    assert isinstance(found[1], DataError)


async def test_any_fault_is_heard_by_all_who_wait(disk: Disk) -> None:
    disk.fault = RuntimeError("a bug")
    pen = Pen(timedelta(seconds=10))
    assert await written(pen, claim(), claim()) == [disk.fault, disk.fault]
    disk.fault = None
    assert await written(pen, claim()) == [Fate.WRITTEN]


async def test_who_waits_no_more_stops_nobody(disk: Disk) -> None:
    pen = Pen(timedelta(seconds=10))
    left = asyncio.create_task(pen.write(claim(), None))
    stays = asyncio.create_task(pen.write(claim(), None))
    await asyncio.sleep(0)
    left.cancel()
    assert await stays is Fate.WRITTEN


@pytest.fixture
def _empty_cache(db: None) -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.mark.usefixtures("_empty_cache")
def test_visitors_are_counted_by_their_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "A_MINUTE", 1)
    at = datetime(2026, 11, 21, 9, 0, 15, tzinfo=UTC)
    pace.count_visitor("2001:db8::1", at=at)
    with pytest.raises(TooFast) as refused:
        pace.count_visitor("2001:db8::ffff", at=at)  # the same /64
    assert refused.value.retry_after == 45
    pace.count_visitor("2001:db8:0:1::1", at=at)
    pace.count_visitor("192.0.2.1", at=at)
    pace.count_visitor("192.0.2.2", at=at)
    pace.count_visitor("2001:db8::1", at=at + timedelta(seconds=45))


@pytest.mark.parametrize(
    ("text", "length", "title"),
    [
        ("  Hola\n mundo ", 20, "Hola mundo"),
        ("¿Cómo exporto una red a VHDL?", 20, "¿Cómo exporto una…"),
        ("a" * 30, 20, "a" * 19 + "…"),
        ("", 20, ""),
    ],
)
def test_a_title_is_one_line_cut_at_a_word(text: str, length: int, title: str) -> None:
    assert short(text, length) == title
