"""The gate: what passes, what does not, and that nothing is written where it does not."""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.services import end_session
from sessions_app.tests.factories import a_session
from trading import real, switches
from trading.gate import pass_gate
from trading.models import Event, LimitSet, Order, RealGrant, TradingSession
from trading.refusals import Conflict, Halted, NotAccepted, RealNotEnabled, RiskLimit
from trading.tests.rows import NOON, a_settled_order, a_trading_session, an_order

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def pass_one(session: TradingSession, **order: Any) -> Order:
    asked: dict[str, Any] = {
        "key": uuid.uuid4(),
        "asset": "EURUSD-OTC",
        "direction": "call",
        "stake": Decimal(10),
        "minutes": 1,
        "source": "manual",
        "at": NOON,
    }
    return pass_gate(session, **asked | order)


def limit(session: TradingSession, whose: str = "session", **values: object) -> None:
    is_user = whose == "user"
    rows = LimitSet.objects.filter(user=session.user, session__isnull=is_user)
    rows.update(**values)


def test_an_order_within_the_limits_waits_to_be_sent() -> None:
    session = a_trading_session()
    order = pass_one(session)
    assert (order.state, order.stake) == ("pending", Decimal(10))
    event = Event.objects.get(session=session)
    assert (event.seq, event.kind, event.data["state"]) == (1, "order", "pending")
    assert event.data["stake"] == "10.00"


def test_an_order_costs_the_gate_fourteen_queries_however_long_the_history(
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    session = a_trading_session()
    for number in range(30):
        a_settled_order(session, "1" if number % 4 else "-1", NOON - number * MINUTE)
    with django_assert_num_queries(14 + 2):  # and a savepoint in the place of a transaction
        pass_one(session)


def test_losses_in_a_row_are_looked_up_only_where_the_day_has_so_many() -> None:
    session = a_trading_session()
    limit(session, consecutive_losses=3)
    for number, profit in enumerate(["-1", "-1", "1", "-1", "-1"]):
        a_settled_order(session, profit, NOON - (10 - number) * MINUTE)
    pass_one(session)
    a_settled_order(session, "-1", NOON - MINUTE)
    with pytest.raises(RiskLimit) as refused:
        pass_one(session, stake=Decimal(2))
    assert (refused.value.facts["limit"], refused.value.facts["found"]) == (
        "consecutive_losses",
        "4",
    )


def test_the_same_key_and_order_is_the_same_row() -> None:
    session, key = a_trading_session(), uuid.uuid4()
    first = pass_one(session, key=key)
    again = pass_one(session, key=key, at=NOON + MINUTE)
    assert first.pk == again.pk
    assert Order.objects.count() == 1
    assert Event.objects.count() == 1


def test_the_same_key_answers_even_where_a_limit_would_refuse_it_now() -> None:
    session, key = a_trading_session(), uuid.uuid4()
    first = pass_one(session, key=key)
    limit(session, open_positions=0)
    assert pass_one(session, key=key).pk == first.pk


@pytest.mark.parametrize(
    "other",
    [{"asset": "GBPUSD"}, {"direction": "put"}, {"stake": Decimal(11)}, {"minutes": 2}],
)
def test_the_same_key_for_another_order_is_a_conflict(other: dict[str, Any]) -> None:
    session, key = a_trading_session(), uuid.uuid4()
    pass_one(session, key=key)
    with pytest.raises(Conflict) as refused:
        pass_one(session, key=key, **other)
    assert refused.value.facts == {"reason": "key_used"}
    assert Order.objects.count() == 1


def test_a_key_of_another_session_says_nothing_of_it() -> None:
    key = uuid.uuid4()
    first = pass_one(a_trading_session(), key=key)
    assert pass_one(a_trading_session(), key=key).pk != first.pk


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stake", Decimal(0)),
        ("stake", Decimal(-1)),
        ("stake", Decimal("NaN")),
        ("stake", Decimal("1.001")),
        ("stake", Decimal("1e13")),
        ("stake", 1.5),
        ("asset", "  "),
        ("asset", "x" * 41),
        ("direction", "up"),
        ("minutes", 0),
        ("minutes", 1441),
        ("minutes", True),
        ("source", "stranger"),
    ],
)
def test_what_is_no_order_is_not_accepted(field: str, value: object) -> None:
    session = a_trading_session()
    with pytest.raises(NotAccepted) as refused:
        pass_one(session, **{field: value})
    assert refused.value.facts["field"] == field
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("fields", "order", "reason"),
    [
        ({"state": "reconnecting"}, {}, "not_connected"),
        ({"state": "connecting"}, {}, "not_connected"),
        ({"wanted": "disconnected"}, {}, "disconnecting"),
        ({"lease_until": None}, {}, "not_connected"),
        ({"lease_until": NOON}, {}, "not_connected"),
        ({"lease_until": NOON}, {"fence": 1}, "lease"),
        ({}, {"fence": 0}, "fenced"),
        ({}, {"fence": 2}, "fenced"),
        ({"blocked": "ambiguous"}, {}, "ambiguous"),
        ({}, {"source": "bot", "fence": 1}, "bot_stopped"),
    ],
)
def test_a_session_that_is_not_ready_lets_nothing_through(
    fields: dict[str, Any], order: dict[str, Any], reason: str
) -> None:
    session = a_trading_session(**fields)
    with pytest.raises(Conflict) as refused:
        pass_one(session, **order)
    assert refused.value.facts == {"reason": reason}
    assert not Order.objects.exists()


@pytest.mark.parametrize("state", ["pending", "sent", "unknown"])
def test_of_two_alike_without_an_answer_the_second_waits(state: str) -> None:
    session = a_trading_session()
    an_order(session, state=state)
    with pytest.raises(Conflict) as refused:
        pass_one(session)
    assert refused.value.facts == {"reason": "in_flight"}
    pass_one(session, direction="put")
    pass_one(session, stake=Decimal(11))
    pass_one(session, asset="GBPUSD-OTC")


def test_an_open_order_does_not_hold_up_one_alike() -> None:
    session = a_trading_session()
    an_order(session, state="open")
    assert pass_one(session).state == "pending"


def test_losses_of_today_and_open_stakes_count_against_the_day() -> None:
    session = a_trading_session()
    limit(session, daily_loss=50)
    a_settled_order(session, "-25", NOON - MINUTE)
    a_settled_order(session, "-1000", NOON - timedelta(hours=13))  # yesterday
    an_order(session, stake=Decimal(15))
    with pytest.raises(RiskLimit) as refused:
        pass_one(session, stake=Decimal("10.01"))
    expected = {"limit": "daily_loss", "allowed": "50.00", "found": "50.01", "scope": "session"}
    assert refused.value.facts == expected
    assert pass_one(session, stake=Decimal(10)).state == "pending"


def test_what_a_user_risks_is_summed_over_sessions_of_one_kind() -> None:
    session = a_trading_session()
    other = a_trading_session(session.user)
    in_euros = a_trading_session(session.user, currency="EUR")
    a_trading_session()  # a stranger's
    limit(session, "user", daily_loss=50)
    an_order(other, stake=Decimal(45))
    an_order(in_euros, stake=Decimal(45))
    with pytest.raises(RiskLimit) as refused:
        pass_one(session, stake=Decimal(6))
    expected = {"limit": "daily_loss", "allowed": "50.00", "found": "51", "scope": "user"}
    assert (
        refused.value.facts | {"found": str(int(Decimal(str(refused.value.facts["found"]))))}
        == expected
    )
    assert pass_one(session, stake=Decimal(5)).state == "pending"


def test_positions_and_trades_of_all_sessions_count_together() -> None:
    session = a_trading_session()
    an_order(a_trading_session(session.user))
    limit(session, "user", open_positions=1)
    with pytest.raises(RiskLimit) as refused:
        pass_one(session)
    assert refused.value.facts["limit"] == "open_positions"
    limit(session, "user", open_positions=9, trades_per_hour=1)
    with pytest.raises(RiskLimit) as refused:
        pass_one(session)
    assert refused.value.facts["limit"] == "trades_per_hour"
    assert pass_one(session, at=NOON + timedelta(minutes=61)).state == "pending"


def test_losses_in_a_row_hold_until_somebody_has_looked() -> None:
    session = a_trading_session()
    limit(session, consecutive_losses=2)
    a_settled_order(session, "-1", NOON - 5 * MINUTE)
    a_settled_order(session, "0", NOON - 4 * MINUTE)  # a tie says nothing
    a_settled_order(session, "-1", NOON - 3 * MINUTE)
    with pytest.raises(RiskLimit) as refused:
        pass_one(session)
    assert refused.value.facts["limit"] == "consecutive_losses"
    session.losses_since = NOON
    session.save()
    assert pass_one(session).state == "pending"


def test_a_won_order_ends_the_row_of_losses() -> None:
    session = a_trading_session()
    limit(session, consecutive_losses=2)
    a_settled_order(session, "-1", NOON - 5 * MINUTE)
    a_settled_order(session, "0.87", NOON - 4 * MINUTE)
    a_settled_order(session, "-1", NOON - 3 * MINUTE)
    assert pass_one(session).state == "pending"


def test_a_fall_from_the_best_is_a_drawdown() -> None:
    session = a_trading_session(realised=Decimal(-40), realised_peak=Decimal(50))
    limit(session, drawdown=100)
    with pytest.raises(RiskLimit) as refused:
        pass_one(session, stake=Decimal("10.01"))
    assert refused.value.facts["limit"] == "drawdown"
    assert pass_one(session, stake=Decimal(10)).state == "pending"


def test_a_bot_runs_no_longer_than_it_may() -> None:
    session = a_trading_session(bot_wanted=True, bot_started_at=NOON - 61 * MINUTE)
    limit(session, run_minutes=60)
    with pytest.raises(RiskLimit) as refused:
        pass_one(session, source="bot", fence=1)
    assert refused.value.facts["limit"] == "run_minutes"
    assert pass_one(session).state == "pending"


def test_a_bot_whose_start_is_not_known_trades_not_at_all() -> None:
    session = a_trading_session(bot_wanted=True, bot_started_at=None)
    with pytest.raises(RiskLimit) as refused:
        pass_one(session, source="bot", fence=1)
    assert refused.value.facts["limit"] == "unclear"


def test_without_its_limits_a_session_trades_not_at_all() -> None:
    session = a_trading_session()
    LimitSet.objects.filter(session=session).delete()
    with pytest.raises(RiskLimit) as refused:
        pass_one(session)
    assert refused.value.facts["limit"] == "unclear"


@pytest.mark.parametrize("which", [0, 1, 2, 3])
def test_each_kill_switch_stops_it(which: int) -> None:
    session = a_trading_session()
    scope = switches.scopes_of(session)[which]
    switches.set_switch(scope, on=True, by=None, at=NOON)
    with pytest.raises(Halted) as refused:
        pass_one(session)
    assert refused.value.facts == {"found": scope}
    switches.set_switch(scope, on=False, by=None, at=NOON)
    assert pass_one(session).state == "pending"


def test_the_switches_of_others_do_not() -> None:
    session, other = a_trading_session(), a_trading_session()
    for scope in ("broker:exnova", *switches.scopes_of(other)[2:]):
        switches.set_switch(scope, on=True, by=None, at=NOON)
    assert pass_one(session).state == "pending"


def test_a_login_that_was_taken_back_lets_nothing_through() -> None:
    session = a_trading_session()
    session.sesion = a_session(session.user, at=NOON)
    session.save()
    end_session(session.sesion, reason=Sesion.EndReason.REVOKED_BY_USER, at=NOON)
    with pytest.raises(Conflict):
        pass_one(session)


def test_a_login_that_ran_out_goes_on() -> None:
    session = a_trading_session()
    session.sesion = a_session(session.user, at=NOON)
    session.save()
    end_session(session.sesion, reason=Sesion.EndReason.LOGOUT, at=NOON)
    assert pass_one(session).state == "pending"


class TestRealMoney:
    @pytest.fixture(autouse=True)
    def operator(self, settings: Any) -> None:
        settings.REAL_TRADING = True

    @staticmethod
    def granted(user: User) -> None:
        RealGrant.objects.create(
            user=user, granted_at=NOON, confirmed_at=NOON, first_confirmed_at=NOON
        )

    def test_it_passes_with_setting_grant_and_confirmation(self) -> None:
        session = a_trading_session(account_type="REAL")
        self.granted(session.user)
        limit(session, "user", daily_loss=20)
        assert pass_one(session).state == "pending"

    def test_it_needs_the_operators_setting(self, settings: Any) -> None:
        settings.REAL_TRADING = False
        session = a_trading_session(account_type="REAL")
        self.granted(session.user)
        self.refuses(session, "setting")

    def test_it_needs_a_grant_that_was_not_taken_back(self) -> None:
        session = a_trading_session(account_type="REAL")
        self.refuses(session, "grant")
        self.granted(session.user)
        real.revoke(session.user, at=NOON)
        session.refresh_from_db()
        assert session.wanted == "disconnected"
        session.wanted = "connected"
        session.save()
        self.refuses(session, "grant")

    def test_it_needs_the_users_confirmation(self) -> None:
        session = a_trading_session(account_type="REAL")
        self.granted(session.user)
        RealGrant.objects.update(confirmed_at=None)
        self.refuses(session, "confirmation")

    def test_without_a_days_limit_nothing_passes(self) -> None:
        session = a_trading_session(account_type="REAL")
        self.granted(session.user)
        with pytest.raises(RiskLimit) as refused:
            pass_one(session)
        assert refused.value.facts["limit"] == "daily_loss"

    def test_practice_losses_are_none_of_it(self) -> None:
        session = a_trading_session(account_type="REAL")
        self.granted(session.user)
        limit(session, "user", daily_loss=20)
        a_settled_order(a_trading_session(session.user), "-500", NOON - MINUTE)
        assert pass_one(session).state == "pending"

    @staticmethod
    def refuses(session: TradingSession, needs: str) -> None:
        with pytest.raises(RealNotEnabled) as refused:
            pass_one(session)
        assert refused.value.facts == {"needs": needs}
        assert not Order.objects.exists()
