"""One waiting frame per connection: the newest wins."""

from typing import Generic, TypeVar

Frame = TypeVar("Frame")


class Mailbox(Generic[Frame]):
    """A slot before the engine. Only the connection's own event loop touches it.

    One frame is at work, at most one waits. The caller answers a superseded frame `dropped` with
    the reason `newer`.
    """

    def __init__(self) -> None:
        self._waiting: Frame | None = None
        self._at_work = False

    def put(self, frame: Frame) -> Frame | None:
        """Leave a frame to wait; the one that it supersedes comes back."""
        superseded, self._waiting = self._waiting, frame
        return superseded

    def take(self) -> Frame | None:
        """The frame to work on now; None while another is at work or none waits."""
        if self._at_work or self._waiting is None:
            return None
        frame, self._waiting = self._waiting, None
        self._at_work = True
        return frame

    def done(self) -> None:
        """The frame at work was answered."""
        self._at_work = False

    def close(self) -> Frame | None:
        """Nothing is taken any more; the waiting frame comes back."""
        frame, self._waiting = self._waiting, None
        self._at_work = True
        return frame
