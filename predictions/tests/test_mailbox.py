from hypothesis import given
from hypothesis import strategies as st

from predictions.core.mailbox import Mailbox


def test_the_newest_frame_wins() -> None:
    mailbox: Mailbox[int] = Mailbox()
    assert mailbox.put(1) is None
    assert mailbox.take() == 1
    assert mailbox.put(2) is None
    assert mailbox.take() is None  # 1 is at work
    assert mailbox.put(3) == 2
    mailbox.done()
    assert mailbox.take() == 3


def test_a_closed_mailbox_gives_nothing_out() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    assert mailbox.close() == 1
    assert mailbox.take() is None


@given(st.lists(st.sampled_from(["frame", "answer"]), max_size=60))
def test_each_frame_is_taken_or_superseded_once_and_in_order(events: list[str]) -> None:
    mailbox: Mailbox[int] = Mailbox()
    taken: list[int] = []
    superseded: list[int] = []
    for number, event in enumerate(events, 1):
        if event == "answer":
            mailbox.done()
        elif (older := mailbox.put(number)) is not None:
            superseded.append(older)
        if (frame := mailbox.take()) is not None:
            taken.append(frame)
    left = mailbox.close()
    frames = [number for number, event in enumerate(events, 1) if event == "frame"]
    assert sorted([*taken, *superseded, *([left] if left else [])]) == frames
    assert taken == sorted(taken)
