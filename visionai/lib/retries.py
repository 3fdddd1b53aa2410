"""When a failed call is made again: seldom, and not all at the same moment."""

import random
from dataclasses import dataclass
from typing import Final

FIRST_S: Final = 0.2
MOST_S: Final = 2.0


def full_jitter(attempt: int, rng: random.Random) -> float:
    """Seconds before retry `attempt` (1, 2, ...): anywhere up to a limit that doubles.

    Source: Brooker, Exponential Backoff And Jitter (AWS, 2015), "full jitter".
    """
    return rng.uniform(0.0, min(MOST_S, FIRST_S * 2 ** (attempt - 1)))


@dataclass
class RetryBudget:
    """Retries may be a tenth of the calls, and ten at once: a far side that fails gets no storm."""

    ratio: float = 0.1
    most: float = 10.0
    left: float = 10.0

    def called(self) -> None:
        """A first attempt was made."""
        self.left = min(self.most, self.left + self.ratio)

    def take(self) -> bool:
        """Whether one retry more may be made."""
        if self.left < 1:
            return False
        self.left -= 1
        return True
