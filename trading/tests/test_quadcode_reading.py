"""Frames as they should be, and as nobody should send them."""

import copy
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.brokers.base import OrderRequest, Secret
from trading.brokers.emulator.market import Market
from trading.brokers.quadcode import wire
from trading.brokers.quadcode.catalogue import Catalogue, disabled_kinds, read_digital, read_options
from trading.brokers.quadcode.feed import Feed, read_history
from trading.brokers.quadcode.link import Refused
from trading.brokers.quadcode.orders import digital_choice, read_placed, rejection
from trading.brokers.quadcode.positions import Book, Known, read_position
from trading.core.market import Direction, Outcome

NOW = 1_790_000_000
ORDER = OrderRequest("a", "EURUSD-OTC", Direction.CALL, Decimal(1), 1)
# The two frames of the protocol's description, an option opened and won.
OPENED: dict[str, Any] = {
    "version": 1,
    "id": "5d0c2a1e",
    "external_id": 10000000001,
    "user_id": 1001,
    "user_balance_id": 501,
    "active_id": 76,
    "instrument_type": "turbo-option",
    "status": "open",
    "open_time": 1789999985123,
    "open_quote": 1.14112,
    "invest": 1.0,
    "expected_profit": 1.87,
    "pnl": 0,
    "raw_event": {
        "binary_options_option_changed1": {
            "option_id": 10000000001,
            "order_ids": [10000000001],
            "direction": "call",
            "expiration_time": 1790000040,
            "amount": 1.0,
        }
    },
}
WON = OPENED | {
    "version": 2,
    "status": "closed",
    "close_time": 1790000040000,
    "close_quote": 1.14120,
    "close_reason": "win",
    "close_profit": 1.87,
    "pnl": 0.87,
}


def as_read(msg: object) -> Any:
    """Through the wire: its numbers become Decimals."""
    frame = wire.read(json.dumps({"name": "x", "msg": msg}))
    assert frame is not None
    return frame.msg


def position(row: object) -> Known:
    found = read_position(as_read(row), lambda number: f"#{number}")
    assert found is not None
    return found


def catalogue() -> Catalogue:
    market = Market(1)
    options = read_options(as_read(market.catalogue(NOW, big=False)))
    return Catalogue([*options, *read_digital(as_read(market.underlying(NOW)))])


def test_money_keeps_every_digit_of_the_text() -> None:
    frame = wire.read('{"name":"x","msg":{"amount":0.1,"big":12345678901234567.89}}')
    assert frame is not None
    assert frame.msg == {"amount": Decimal("0.1"), "big": Decimal("12345678901234567.89")}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "5", '"a"', "{}", '{"name":5}', "[" * 100_000, '{"name":"x","msg":NaN}', "\x00"],
)
def test_what_is_no_frame_is_passed_over(text: str) -> None:
    assert wire.read(text) is None


@pytest.mark.parametrize("value", [True, None, "a", [], {}, "NaN", "Infinity", "1e400", "9" * 400])
def test_what_is_no_number_is_none(value: object) -> None:
    assert wire.money(value) is None
    assert wire.whole(value) is None


def test_a_position_is_read_as_the_platform_means_it() -> None:
    known = position(OPENED)
    assert (known.version, known.balance_id, known.position.outcome) == (1, 501, None)
    assert known.position.opened_at == datetime(2026, 9, 21, 14, 13, 5, 123000, UTC)
    assert known.position.expires_at == datetime(2026, 9, 21, 14, 14, tzinfo=UTC)
    assert known.position.payout == Decimal("0.87")
    won = position(WON).position
    assert (won.broker_id, won.outcome, won.profit) == (
        "10000000001",
        Outcome.WON,
        Decimal("0.87"),
    )


@pytest.mark.parametrize(
    ("changes", "outcome", "profit"),
    [
        ({"close_reason": "loose", "close_profit": 0}, Outcome.LOST, Decimal(-1)),
        ({"close_reason": "equal", "close_profit": 1.0}, Outcome.TIED, Decimal(0)),
        ({"close_reason": "sold", "close_profit": 0.4}, Outcome.LOST, Decimal("-0.6")),
        ({"close_reason": "default", "close_profit": 1.84}, Outcome.WON, Decimal("0.84")),
        ({"close_profit": None, "pnl": 0.87}, Outcome.WON, Decimal("0.87")),
        ({"close_profit": None, "pnl": None}, None, None),  # not understood: it stays open
    ],
)
def test_an_end_is_read_by_its_money(
    changes: dict[str, object], outcome: Outcome | None, profit: Decimal | None
) -> None:
    found = position(WON | changes).position
    assert (found.outcome, found.profit) == (outcome, profit)


def test_news_pass_once_and_nothing_reopens_what_has_ended() -> None:
    book = Book(501)
    opened, won = position(OPENED), position(WON)
    assert book.take(opened)
    assert not book.take(opened)
    assert book.take(won)
    assert not book.take(won)
    assert not book.take(opened)
    assert not book.take(position(OPENED | {"version": 9}))
    assert book.running == {}
    assert not Book(502).take(opened)  # another balance of the same person


@pytest.mark.parametrize(
    ("status", "text", "reason"),
    [
        (4119, "cualquier cosa", "suspended"),
        (4100, "Cannot purchase an option (active is suspended)", "suspended"),
        (4100, "active_suspended: rejected by risks", "risk"),
        (4100, "Time for purchasing options is over, please try again later.", "dead_time"),
        (4100, "Insufficient funds for this transaction.", "no_money"),
        (4100, "asset is not available at the moment", "restricted"),
        (4000, '{"part":"DATA","level":"INVALID_SCHEMA"}', "invalid"),
        (4999, "что-то", "other"),
    ],
)
def test_a_refusal_is_told_by_its_status_and_then_by_its_words(
    status: int, text: str, reason: str
) -> None:
    refusal = rejection(Refused(status, text))
    assert (refusal.reason, refusal.text) == (reason, text)


def test_a_catalogue_says_what_is_open_what_it_pays_and_for_how_long() -> None:
    found = {one.name: one for one in catalogue().assets(NOW)}
    # 13 + (1790000000 // 600 + 76) % 5 = 13 + (2983333 + 76) % 5 = 17 percent stay with the broker
    assert found["EURUSD-OTC"].payout == Decimal("0.83")
    assert found["EURUSD-OTC"].expirations == (1, 2, 3, 4, 5, 15, 30, 45, 60)
    assert not found["EURUSD"].is_open  # suspended
    assert not found["GBPUSD"].is_open  # by its schedule
    assert found["EURUSD-op"].broker_id == 1861


@pytest.mark.parametrize(
    ("minutes", "kind"), [(1, "turbo"), (5, "turbo"), (15, "binary"), (60, "binary"), (7, None)]
)
def test_the_kind_of_option_follows_from_its_length(minutes: int, kind: str | None) -> None:
    chosen = catalogue().choose("EURUSD-OTC", minutes, NOW)
    assert (chosen.kind if chosen else None) == kind


def test_a_binary_option_may_end_at_a_special_expiry() -> None:
    msg = as_read(Market(1).catalogue(NOW, big=False))
    msg["binary"]["actives"]["76"]["option"]["special"] = {
        str(NOW + 910): {"title": "End of day", "enabled": True},
        str(NOW + 905): {"title": "no", "enabled": False},
    }
    (binary,) = [one for one in read_options(msg) if (one.kind, one.trade_id) == ("binary", 76)]
    assert binary.expiry(NOW, 15) == NOW + 910


def test_a_forming_candle_is_final_when_a_later_one_comes() -> None:
    feed = Feed()
    market = Market(1)
    assert feed.hear(as_read(market.forming(76, 5, NOW))) == []  # nobody watches it
    assert feed.watch(76, 5, "EURUSD-OTC")
    assert not feed.watch(76, 5, "EURUSD-OTC")
    told = [
        one
        for second in range(6)
        for one in feed.hear(as_read(market.forming(76, 5, NOW + second)))
    ]
    assert [one.is_closed for one in told] == [False] * 5 + [True, False]
    late = feed.hear(as_read(market.forming(76, 5, NOW + 1)))
    assert late == []


# Whatever comes, nothing breaks

INSTRUMENT = catalogue().of("EURUSD-OTC")[0]
READERS: list[tuple[str, Callable[[Any], object], Any]] = [
    ("options", read_options, Market(1).catalogue(NOW, big=False)),
    ("digital", read_digital, Market(1).underlying(NOW)),
    (
        "features",
        disabled_kinds,
        {"features": [{"name": "turbo-instrument", "status": "disabled"}]},
    ),
    ("opened", lambda msg: read_position(msg, str), OPENED),
    ("won", lambda msg: read_position(msg, str), WON),
    (
        "history",
        lambda msg: read_history(msg, "A", seconds=60),
        {"candles": Market(1).history(76, 60, to=NOW, count=2, now=NOW)},
    ),
    (
        "instruments",
        lambda msg: digital_choice(msg, direction=Direction.CALL, minutes=1, now=NOW),
        Market(1).instruments(76, NOW),
    ),
    (
        "placed",
        lambda msg: read_placed(msg, ORDER, INSTRUMENT, expiry=NOW + 40, now=NOW),
        {"id": 1, "created_millisecond": NOW * 1000, "profit_income": 187, "exp": NOW + 40},
    ),
    ("words", wire.words_of, {"message": "no", "result": {}}),
]
HOSTILE: list[Any] = [
    *(None, True, -1, 0, 10**15, 10**30, -(10**30), 1e308, 0.5),
    *("", "x", "9" * 5000, "NaN", [], [[]], {}, {"a": 1}),
]


def leaves(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    paths = [path] if path else []
    items = (
        found.items()
        if isinstance(found, dict)
        else enumerate(found)
        if isinstance(found, list)
        else ()
    )
    for key, value in items:
        paths += leaves(value, (*path, key))
    return paths


def spoilt(good: Any, luck: random.Random) -> Any:
    """A copy with one to three values replaced by what nobody expects there."""
    made = copy.deepcopy(good)
    for _ in range(luck.randint(1, 3)):
        path = luck.choice(leaves(good))
        at = made
        try:
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = copy.deepcopy(luck.choice(HOSTILE))
        except (KeyError, IndexError, TypeError):
            continue
    return made


@pytest.mark.parametrize(("name", "reader", "good"), READERS, ids=[one[0] for one in READERS])
def test_a_frame_with_spoilt_values_breaks_no_reader(
    name: str, reader: Callable[[Any], object], good: Any
) -> None:
    luck = random.Random(name)
    for _ in range(300):
        reader(as_read(spoilt(good, luck)))


KEYS = st.text(max_size=8)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(msg=ANYTHING)
def test_nothing_that_is_json_breaks_a_reader(msg: Any) -> None:
    try:
        found = as_read(msg)
    except AssertionError:  # an infinity, which the wire passes over
        return
    for _, reader, _good in READERS:
        reader(found)


@given(text=st.text())
def test_a_secret_shows_itself_to_nobody(text: str) -> None:
    secret = Secret(f"canary{text}")
    assert "canary" not in f"{secret} {secret!r} {[secret]} {secret!s:>9}"
    assert secret.reveal() == f"canary{text}"
