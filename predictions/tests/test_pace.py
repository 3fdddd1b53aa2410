from predictions.core.pace import Pace


def test_a_second_may_be_spent_at_once_and_then_evenly() -> None:
    pace = Pace(10)
    assert [pace.allows(at=5.0) for _ in range(11)] == [True] * 10 + [False]
    assert pace.allows(at=5.11)
    assert not pace.allows(at=5.11)


def test_a_long_pause_gives_one_second_and_no_more() -> None:
    pace = Pace(3)
    for at in (0.0, 0.0, 0.0):
        pace.allows(at=at)
    assert [pace.allows(at=100.0) for _ in range(4)] == [True, True, True, False]


def test_no_limit_and_a_clock_that_goes_back() -> None:
    assert all(Pace(0).allows(at=0) for _ in range(1000))
    pace = Pace(1)
    assert pace.allows(at=5)
    assert not pace.allows(at=1)
