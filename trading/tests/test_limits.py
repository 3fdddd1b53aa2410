"""Limits go down at once and up after a day; real money wants a sentence and the password."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.credentials import WrongPassword
from accounts.models import User
from sessions_app.tests.factories import a_user
from trading import real
from trading.limits import change_limits, in_force, limits_data, user_limits_of
from trading.models import Event, LimitSet
from trading.refusals import NotAccepted, RealNotEnabled
from trading.tests.rows import NOON, a_trading_session

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
PASSWORD = "una-frase-larga-y-rara-42"


def stake(limits: LimitSet, hours: float) -> Decimal:
    fresh = LimitSet.objects.get(pk=limits.pk)
    return in_force(fresh, at=NOON + hours * HOUR).stake


def test_a_lower_limit_holds_at_once() -> None:
    limits = a_trading_session().limits
    change_limits(limits, user=limits.user, values={"stake": "20.50"}, at=NOON)
    assert stake(limits, 0) == Decimal("20.50")


def test_a_higher_limit_waits_a_day() -> None:
    limits = a_trading_session().limits
    change_limits(limits, user=limits.user, values={"stake": 250}, at=NOON)
    assert [stake(limits, hours) for hours in (0, 23.99, 24)] == [100, 100, 250]


def test_asking_again_does_not_put_the_day_off_nor_forward() -> None:
    limits = a_trading_session().limits
    for hours, value in [(0, 250), (10, 250)]:
        change_limits(limits, user=limits.user, values={"stake": value}, at=NOON + hours * HOUR)
    assert stake(limits, 24) == 250
    change_limits(limits, user=limits.user, values={"stake": 300}, at=NOON + 25 * HOUR)
    assert [stake(limits, hours) for hours in (48, 49)] == [250, 300]


def test_lowering_takes_a_raise_back() -> None:
    limits = a_trading_session().limits
    change_limits(limits, user=limits.user, values={"stake": 250}, at=NOON)
    change_limits(limits, user=limits.user, values={"stake": 90}, at=NOON + HOUR)
    assert stake(limits, 30) == 90


def test_going_down_and_up_again_waits_too() -> None:
    limits = a_trading_session().limits
    change_limits(limits, user=limits.user, values={"stake": 1}, at=NOON)
    change_limits(limits, user=limits.user, values={"stake": 100}, at=NOON)
    assert [stake(limits, hours) for hours in (0, 24)] == [1, 100]


def test_a_change_of_several_is_all_or_nothing() -> None:
    limits = a_trading_session().limits
    with pytest.raises(NotAccepted):
        change_limits(limits, user=limits.user, values={"stake": 1, "drawdown": "x"}, at=NOON)
    assert stake(limits, 0) == 100


@pytest.mark.parametrize(
    "values",
    [
        {"speed": 1},
        {"stake": "NaN"},
        {"stake": -1},
        {"stake": "1.001"},
        {"open_positions": "1.5"},
        {"daily_loss": "Infinity"},
        {"daily_loss": None},
    ],
)
def test_what_is_no_limit_is_not_accepted(values: dict[str, Any]) -> None:
    limits = a_trading_session().limits
    with pytest.raises(NotAccepted):
        change_limits(limits, user=limits.user, values=values, at=NOON)


def test_nobody_changes_a_strangers() -> None:
    limits = a_trading_session().limits
    with pytest.raises(LimitSet.DoesNotExist):
        change_limits(limits, user=a_user(), values={"stake": 1}, at=NOON)


def test_the_session_tells_of_it() -> None:
    session = a_trading_session()
    change_limits(session.limits, user=session.user, values={"stake": 500}, at=NOON)
    event = Event.objects.get(session=session)
    assert event.kind == "limits"
    assert event.data["stake"] == "100.00"
    assert event.data["raises"] == limits_data(session.limits, at=NOON)["raises"]
    assert event.data["raises"][0]["value"] == "500.00"


class TestConfirmation:
    @pytest.fixture
    def user(self, settings: Any) -> User:
        settings.REAL_TRADING = True
        user = a_user(password=PASSWORD)
        real.grant(user, by=a_user(), at=NOON)
        return user

    @staticmethod
    def confirm(user: User, amount: str, **changed: Any) -> LimitSet:
        given: dict[str, Any] = {
            "password": PASSWORD,
            "typed": f"REAL {amount}",
            "ip": "192.0.2.7",
            "at": NOON,
        }
        return real.confirm(user, daily_loss=Decimal(amount), **given | changed)

    def test_it_sets_the_days_limit(self, user: User) -> None:
        assert self.confirm(user, "50.00").daily_loss == 50
        assert real.missing(user) is None
        real.require_to_connect(user, at=NOON + timedelta(minutes=14))
        with pytest.raises(RealNotEnabled):
            real.require_to_connect(user, at=NOON + timedelta(minutes=15))

    @pytest.mark.parametrize("typed", ["REAL 50", "real 50.00", "REAL 5.00", "yes", ""])
    def test_another_sentence_is_none(self, user: User, typed: str) -> None:
        with pytest.raises(NotAccepted):
            self.confirm(user, "50.00", typed=typed)
        assert real.missing(user) == "confirmation"

    def test_the_password_is_asked_for(self, user: User) -> None:
        with pytest.raises(WrongPassword):
            self.confirm(user, "50.00", password="another")
        assert real.missing(user) == "confirmation"

    def test_a_second_and_higher_one_waits_whatever_was_done_between(self, user: User) -> None:
        limits = self.confirm(user, "50.00")
        change_limits(limits, user=user, values={"daily_loss": 0}, at=NOON)
        real.revoke(user, at=NOON)
        real.grant(user, by=a_user(), at=NOON)
        again = self.confirm(user, "9000.00")
        assert in_force(again, at=NOON).daily_loss == 0
        assert in_force(again, at=NOON + 24 * HOUR).daily_loss == 9000

    def test_without_grant_or_setting_there_is_nothing_to_confirm(
        self, user: User, settings: Any
    ) -> None:
        real.revoke(user, at=NOON)
        with pytest.raises(RealNotEnabled):
            self.confirm(user, "50.00")
        settings.REAL_TRADING = False
        real.grant(user, by=a_user(), at=NOON)
        with pytest.raises(RealNotEnabled):
            self.confirm(user, "50.00")

    def test_practice_needs_none_of_it(self, user: User) -> None:
        assert user_limits_of(user, "PRACTICE").daily_loss > 0
