"""How fast one connection may send."""


class Pace:
    """A bucket that holds one second's worth: `per_second` events, spent and refilled evenly.

    0 is no limit. Times are seconds of a steady clock.
    """

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._left = per_second
        self._at: float | None = None

    def allows(self, *, at: float) -> bool:
        """Whether one more is within the pace; it is counted when it is."""
        if self._per_second <= 0:
            return True
        passed = 0.0 if self._at is None else max(0.0, at - self._at)
        self._left = min(self._per_second, self._left + passed * self._per_second)
        self._at = at
        if self._left < 1:
            return False
        self._left -= 1
        return True
