"""A clock that a backtest moves: what lives in it sees the time of the candles."""


class CandleClock:
    """The brokers' clock; it stands still until somebody goes on, or sleeps."""

    def __init__(self, start: float) -> None:
        self._now = start

    def time(self) -> float:
        """Seconds since 1970."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """At once: the time that was slept through has passed."""
        self.go_to(self._now + max(0.0, seconds))

    def go_to(self, moment: float) -> None:
        if moment < self._now:
            raise ValueError("a clock does not run backwards")
        self._now = moment
