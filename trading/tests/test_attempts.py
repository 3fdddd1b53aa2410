"""Orders by hand that are refused again and again: after so many the gate looks at nothing."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token
from trading import services
from trading.attempts import OF_SESSION, OF_USER
from trading.gate import pass_gate
from trading.models import LimitSet, Order, TradingSession
from trading.refusals import NotAccepted, RiskLimit, TooManyRequests
from trading.tests.rows import NOON, a_trading_session
from visionai.lib.errors import DomainError

pytestmark = pytest.mark.django_db
TOO_MUCH = Decimal(101)  # the usual limit is 100
SECOND = timedelta(seconds=1)


def ask(
    session: TradingSession,
    stake: Decimal = TOO_MUCH,
    *,
    source: str = "manual",
    key: uuid.UUID | None = None,
    at: datetime = NOON,
) -> Order:
    order = {"asset": "EURUSD-OTC", "direction": "call", "minutes": 1, "source": source}
    key = key or uuid.uuid4()
    return pass_gate(session, key=key, stake=stake, at=at, **order)  # type: ignore[arg-type]


def use_up(session: TradingSession, number: int = OF_SESSION) -> None:
    for _ in range(number):
        with pytest.raises(RiskLimit):
            ask(session)


def test_after_so_many_refusals_of_a_session_even_a_good_order_waits() -> None:
    session = a_trading_session()
    use_up(session)
    for stake in (TOO_MUCH, Decimal(10)):
        with pytest.raises(TooManyRequests) as refused:
            ask(session, stake, at=NOON + 20 * SECOND)
        assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
        assert refused.value.retry_after == 40
    assert not Order.objects.exists()
    assert ask(session, Decimal(10), at=NOON + 60 * SECOND).state == "pending"


def test_refusals_in_many_sessions_count_for_their_user_and_for_nobody_else() -> None:
    user = a_user()
    for _ in range(OF_USER // OF_SESSION):
        use_up(a_trading_session(user))
    with pytest.raises(TooManyRequests):
        ask(a_trading_session(user), Decimal(10))
    assert ask(a_trading_session(), Decimal(10)).state == "pending"


def test_the_answer_to_a_known_key_is_no_attempt() -> None:
    session, key = a_trading_session(), uuid.uuid4()
    first = ask(session, Decimal(10), key=key)
    use_up(session)
    assert ask(session, Decimal(10), key=key) == first


def test_a_bot_is_neither_counted_nor_held_up() -> None:
    session = a_trading_session(bot_wanted=True, bot_started_at=NOON)
    for _ in range(OF_SESSION + 1):
        with pytest.raises(RiskLimit):
            ask(session, source="bot")
    use_up(session)
    assert ask(session, Decimal(10), source="bot").state == "pending"


def test_what_is_too_much_costs_the_database_little(
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    session = a_trading_session()
    use_up(session)
    with django_assert_max_num_queries(10), pytest.raises(TooManyRequests):
        ask(session)


def test_a_user_connects_so_often_and_no_more() -> None:
    user, other = a_user(), a_user()
    for _ in range(services.LOGINS_A_MINUTE):
        session = connect(user, NOON)
        TradingSession.objects.filter(pk=session.pk).update(state="failed")
    with pytest.raises(TooManyRequests):
        connect(user, NOON + 30 * SECOND)
    connect(other, NOON)
    connect(user, NOON + 61 * SECOND)


def connect(user: User, at: datetime) -> TradingSession:
    given = {"broker": "paper", "account_type": "PRACTICE", "sesion": None}
    return services.begin_connect(user, at=at, **given)[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/api/v1/trading/sessions/{}/orders", "/api/trade"])
def test_the_api_says_when_to_ask_again(path: str) -> None:
    session = a_trading_session(lease_until=timezone.now() + timedelta(days=1))
    sesion = a_session(session.user, kind=Sesion.Kind.API, at=timezone.now())
    api = Client(headers={"authorization": f"Bearer {a_token(sesion)}"})
    order: dict[str, object] = {
        "session_id": str(session.pk),
        "asset": "EURUSD-OTC",
        "stake": "101.00",
    }
    order |= {"direction": "call", "amount": "101.00", "minutes": 1, "duration": 1}
    send = partial(api.post, path.format(session.pk), order, content_type="application/json")
    answers = [send() for _ in range(OF_SESSION + 1)]
    assert {one.status_code for one in answers[:-1]} == {409}
    last = answers[-1]
    assert (last.status_code, last.json()["code"]) == (429, "too_many_requests")
    assert 0 < int(last.headers["Retry-After"]) <= 60


@pytest.mark.django_db(transaction=True)
def test_attempts_at_once_cannot_outrun_the_count() -> None:
    session = a_trading_session()
    LimitSet.objects.filter(session=session).update(refused=OF_SESSION - 3, refused_since=NOON)
    barrier = Barrier(8, timeout=30)

    def one_of_them() -> type[DomainError] | None:
        barrier.wait()
        try:
            with suppress(NotAccepted):
                ask(session)
        except DomainError as refusal:
            return type(refusal)
        finally:
            connections.close_all()
        return None

    with ThreadPoolExecutor(max_workers=8) as crowd:
        works = [crowd.submit(one_of_them) for _ in range(8)]
        found = [work.result() for work in works]
    assert (found.count(RiskLimit), found.count(TooManyRequests)) == (3, 5)
