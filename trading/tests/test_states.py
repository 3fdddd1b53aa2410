"""No order is sent twice, none settles twice, and nothing that ended lives again."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.core.states import ORDER, ORDER_ENDS, SESSION, IllegalMove, order_move, session_move
from trading.models import Order, TradingSession

walks = st.lists(st.sampled_from(sorted(ORDER)), max_size=30)


@given(walks)
def test_whatever_is_tried_an_order_is_sent_once_and_ends_once(tries: list[str]) -> None:
    state, seen = "pending", ["pending"]
    for after in tries:
        try:
            state = order_move(state, after)
        except IllegalMove:
            continue
        seen.append(state)
    assert len(seen) == len(set(seen))  # no state comes twice, so no walk is endless
    assert seen.count("sent") <= 1
    assert [one for one in seen[:-1] if one in ORDER_ENDS] == []
    if {"open", "settled", "rejected", "unknown"} & set(seen):
        assert seen[1] == "sent"  # nothing is said of an order that was not sent


@given(st.lists(st.sampled_from(sorted(SESSION)), max_size=30))
def test_whatever_is_tried_a_session_that_closes_is_connected_anew_or_not_at_all(
    tries: list[str],
) -> None:
    state, seen = "connecting", ["connecting"]
    for after in tries:
        try:
            state = session_move(state, after)
        except IllegalMove:
            continue
        seen.append(state)
    for before, after in pairwise(seen):
        if before == "closing":
            assert after in {"closing", "disconnected"}
        if before in {"disconnected", "failed"}:
            assert after != "connected"


@pytest.mark.parametrize("before", ["sent", "unknown", "open"])
def test_an_order_without_an_answer_is_never_sent_again(before: str) -> None:
    with pytest.raises(IllegalMove):
        order_move(before, "sent")


def test_a_state_that_nobody_knows_is_refused() -> None:
    with pytest.raises(IllegalMove):
        order_move("pending", "maybe")
    with pytest.raises(IllegalMove):
        session_move("asleep", "connected")


def test_the_machine_has_the_states_of_the_rows() -> None:
    assert set(ORDER) == set(Order.State.values)
    assert set(SESSION) == set(TradingSession.State.values)
    assert set(Order.ENDED) == set(ORDER_ENDS)
