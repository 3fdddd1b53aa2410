"""What brokers say at once is written at once, for each session as if it were alone."""

import asyncio
import uuid
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError

from accounts.models import UsageRow
from trading import heard
from trading.brokers.base import Position
from trading.core.market import Direction, Outcome
from trading.heard import Told, Writer, write
from trading.models import Event, Order, TradingSession
from trading.order_flow import Owner
from trading.ownership import Fenced
from trading.tests.rows import NOON, a_settled_order, a_trading_session, an_order

MINUTE = timedelta(minutes=1)


def a_position(number: str, **changes: Any) -> Position:
    """Won 4.30 with a stake of 5.00, unless told otherwise."""
    usual = Position(
        broker_id=number,
        reference="",
        asset="EURUSD-OTC",
        direction=Direction.CALL,
        stake=Decimal(5),
        payout=Decimal("0.86"),
        open_price=1.1,
        opened_at=NOON,
        expires_at=NOON + MINUTE,
        close_price=1.2,
        closed_at=NOON + MINUTE,
        outcome=Outcome.WON,
        profit=Decimal("4.30"),
    )
    return replace(usual, **changes)


def owner_of(session: TradingSession, fence: int = 1) -> Owner:
    return Owner(session.pk, fence)


def events_of(session: TradingSession) -> list[tuple[int, str]]:
    rows = Event.objects.filter(session=session).order_by("seq")
    return [(row.seq, str(row.data.get("state", row.data.get("balance")))) for row in rows]


@pytest.mark.django_db
def test_many_ends_are_one_write_and_each_session_hears_its_own() -> None:
    sessions = [a_trading_session() for _ in range(3)]
    orders = [an_order(one, stake=Decimal(5), broker_id=f"{n}") for n, one in enumerate(sessions)]
    news: list[Told] = []
    for number, session in enumerate(sessions):
        news.append(Told(owner_of(session), a_position(f"{number}"), NOON))
        news.append(Told(owner_of(session), Decimal("10004.30"), NOON))
    answers = write(news)
    assert answers[::2] == orders
    for session, order in zip(sessions, orders, strict=True):
        session.refresh_from_db()
        order.refresh_from_db()
        assert (order.state, order.profit) == ("settled", Decimal("4.30"))
        assert (session.realised, session.balance) == (Decimal("4.30"), Decimal("10004.30"))
        assert events_of(session) == [(1, "settled"), (2, "10004.30")]
        assert session.event_seq == 2
    assert UsageRow.objects.filter(act="trade").count() == 3


@pytest.mark.django_db
def test_a_write_of_sixteen_costs_few_queries_more_than_rows(
    django_assert_max_num_queries: Any,
) -> None:
    sessions = [a_trading_session() for _ in range(16)]
    for number, session in enumerate(sessions):
        an_order(session, stake=Decimal(5), broker_id=f"{number}")
    news = [Told(owner_of(one), a_position(f"{n}"), NOON) for n, one in enumerate(sessions)]
    with django_assert_max_num_queries(2 * 16 + 10):
        write(news)


@pytest.mark.django_db
def test_an_earlier_owner_writes_nothing_and_holds_up_nobody() -> None:
    mine, lost = a_trading_session(), a_trading_session(fence=2)
    for session in (mine, lost):
        an_order(session, stake=Decimal(5), broker_id="7")
    news = [Told(owner_of(one), a_position("7"), NOON) for one in (lost, mine)]
    fenced, settled = write(news)
    assert isinstance(fenced, Fenced)
    assert isinstance(settled, Order)
    assert events_of(lost) == []
    assert [order.state for order in Order.objects.order_by("pk")] == ["settled", "open"]
    gone = Owner(mine.pk, 1)
    mine.delete()
    (answer,) = write([Told(gone, Decimal(1), NOON)])
    assert isinstance(answer, Fenced)


@pytest.mark.django_db
def test_the_same_end_twice_in_one_write_settles_once() -> None:
    session = a_trading_session()
    an_order(session, stake=Decimal(5), broker_id="7")
    end = Told(owner_of(session), a_position("7"), NOON)
    write([end, end])
    write([end])
    session.refresh_from_db()
    assert (session.realised, session.event_seq) == (Decimal("4.30"), 1)
    assert UsageRow.objects.count() == 1


@pytest.mark.django_db
def test_the_number_of_an_order_that_has_ended_is_bound_to_no_other() -> None:
    session = a_trading_session()
    done = a_settled_order(session, "4.30", NOON)
    Order.objects.filter(pk=done.pk).update(broker_id="7")
    other = an_order(session, stake=Decimal(5), state="sent")
    assert heard.apply_position(owner_of(session), a_position("7"), order_pk=other.pk, at=NOON)
    other.refresh_from_db()
    assert (other.state, other.broker_id) == ("sent", "")


@pytest.mark.django_db
def test_a_position_is_found_by_our_key_and_a_strangers_by_nothing() -> None:
    session = a_trading_session()
    order = an_order(session, stake=Decimal(5), state="sent")
    mine = a_position("9", reference=str(order.key), outcome=None, profit=None)
    assert heard.apply_position(owner_of(session), mine, at=NOON) == order
    order.refresh_from_db()
    assert (order.state, order.broker_id) == ("open", "9")
    for reference in ("no key of ours", "", "00000000-0000-4000-8000-000000000000"):
        other = a_position("10", reference=reference)
        assert heard.apply_position(owner_of(session), other, at=NOON) is None
    with pytest.raises(Fenced):
        heard.apply_position(owner_of(session, fence=9), mine, at=NOON)


async def test_what_comes_during_a_write_waits_for_the_next_one() -> None:
    sizes: list[int] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def db(_work: object, news: list[Told]) -> list[Any]:
        sizes.append(len(news))
        begun.set()
        await go_on.wait()
        return [None] * len(news)

    writer = Writer(db)
    one = Told(Owner(uuid.uuid4(), 1), Decimal(1), NOON)
    first = asyncio.create_task(writer.write(one))
    await begun.wait()
    rest = [asyncio.create_task(writer.write(one)) for _ in range(20)]
    await asyncio.sleep(0)
    rest[0].cancel()  # who waits may go; what was said is written all the same
    go_on.set()
    await asyncio.gather(first, *rest, return_exceptions=True)
    assert sizes == [1, heard.MOST, 20 - heard.MOST]


async def test_what_cannot_be_written_holds_up_nothing_else() -> None:
    async def db(_work: object, news: list[Told]) -> list[Any]:
        if any(one.what == Decimal(13) for one in news):
            raise DatabaseError("13")
        return [Fenced() if one.what == Decimal(2) else None for one in news]

    writer = Writer(db)
    owner = Owner(uuid.uuid4(), 1)
    works = [writer.write(Told(owner, Decimal(number), NOON)) for number in (1, 13, 2, 3)]
    answers = await asyncio.gather(*works, return_exceptions=True)
    assert [type(one) for one in answers] == [type(None), DatabaseError, Fenced, type(None)]
