"""Many orders at once: no limit is passed, no key makes two, no kill switch is outrun.

They mean most on PostgreSQL, where `tests/test_other_databases.py` runs them too.
"""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from threading import Barrier

import pytest
from django.db import connections

from sessions_app.tests.factories import a_user
from trading import switches
from trading.gate import pass_gate
from trading.models import Event, LimitSet, Order, TradingSession
from trading.ownership import claim, renew
from trading.tests.rows import NOON, a_trading_session
from visionai.lib.errors import DomainError

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 6
ROUNDS = 5
Work = Callable[[], object]


@pytest.fixture
def at_once() -> Iterator[Callable[[list[Work]], list[object]]]:
    """Run the works in threads that begin together; their answers, a refusal as itself."""
    barrier = Barrier(CROWD, timeout=30)
    with ThreadPoolExecutor(max_workers=CROWD) as crowd:

        def run(works: list[Work]) -> list[object]:
            assert len(works) == CROWD
            return [done.result(60) for done in [crowd.submit(begin, work) for work in works]]

        def begin(work: Work) -> object:
            barrier.wait()
            try:
                return work()
            except DomainError as refused:
                return refused

        yield run
        run([connections.close_all] * CROWD)


def one(session: TradingSession, number: int, key: uuid.UUID | None = None) -> Work:
    return partial(
        pass_gate,
        session,
        key=key or uuid.uuid4(),
        asset=f"ASSET-{number}",
        direction="call",
        stake=Decimal(10),
        minutes=1,
        source="manual",
        at=NOON,
    )


def passed(answers: list[object]) -> int:
    return sum(isinstance(answer, Order) for answer in answers)


Run = Callable[[list[Work]], list[object]]


def test_orders_of_two_sessions_at_once_stay_within_the_users_limit(at_once: Run) -> None:
    for _round in range(ROUNDS):
        user = a_user()
        pair = [a_trading_session(user), a_trading_session(user)]
        LimitSet.objects.filter(user=user, session=None).update(daily_loss=30)  # three of them
        answers = at_once([one(pair[number % 2], number) for number in range(CROWD)])
        assert passed(answers) == 3
        assert Order.objects.filter(session__user=user).count() == 3


def test_the_same_key_at_once_makes_one_order(at_once: Run) -> None:
    for _round in range(ROUNDS):
        session, key = a_trading_session(), uuid.uuid4()
        answers = at_once([one(session, 0, key)] * CROWD)
        assert len({order.pk for order in answers if isinstance(order, Order)}) == 1
        assert passed(answers) == CROWD
        seqs = Event.objects.filter(session=session).values_list("seq", flat=True)
        assert list(seqs) == [1]


def test_of_orders_alike_at_once_one_passes(at_once: Run) -> None:
    for _round in range(ROUNDS):
        session = a_trading_session()
        assert passed(at_once([one(session, 0) for _ in range(CROWD)])) == 1


def test_events_of_one_session_are_numbered_without_a_gap(at_once: Run) -> None:
    session = a_trading_session()
    LimitSet.objects.filter(session=session).update(open_positions=100)
    for _round in range(ROUNDS):
        at_once([one(session, _round * CROWD + number) for number in range(CROWD)])
    seqs = list(Event.objects.filter(session=session).values_list("seq", flat=True))
    assert seqs == list(range(1, Order.objects.filter(session=session).count() + 1))
    assert len(seqs) > CROWD


def test_after_a_switch_was_turned_nothing_passes(at_once: Run) -> None:
    for _round in range(ROUNDS):
        session = a_trading_session()
        turn = partial(
            switches.set_switch, switches.session_scope(session), on=True, by=None, at=NOON
        )
        at_once([turn, *[one(session, number) for number in range(CROWD - 1)]])
        halt = Event.objects.get(session=session, kind="halt")
        later = Event.objects.filter(session=session, kind="order", seq__gt=halt.seq)
        assert not later.exists()


def test_of_many_nodes_one_gets_a_session(at_once: Run) -> None:
    from datetime import timedelta

    lease = timedelta(seconds=30)
    for _round in range(ROUNDS):
        session = a_trading_session(node="", lease_until=None, fence=7)
        nodes = [f"node {number}" for number in range(CROWD)]
        answers = at_once([partial(claim, node, lease=lease, most=50, at=NOON) for node in nodes])
        won = [number for number, claims in enumerate(answers) if claims]
        assert len(won) == 1
        session.refresh_from_db()
        assert (session.node, session.fence) == (nodes[won[0]], 8)
        assert renew(nodes[won[0]], lease=lease, at=NOON) == {session.pk: 8}
        TradingSession.objects.all().delete()
