"""Binary options as a Gymnasium environment: hold, call or put at the close of each candle."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from trading.core.features import BOUND, COUNT
from trading.core.market import Candles
from trading.core.options import HOLD, Terms, table

Seen = NDArray[np.float32]


class OptionsEnvironment(gymnasium.Env[Seen, np.int64]):
    """An episode is `length` decisions from a random place; a trade leads on to where it settled.

    The reward is in stakes: the payout for a win, -1 for a loss, 0 for a tie and for holding.
    """

    metadata = {"render_modes": []}

    def __init__(self, candles: Candles, terms: Terms, *, length: int = 256) -> None:
        self.table = table(candles, terms)
        self._length = length
        self._starts = np.flatnonzero(self.table.usable)
        if not len(self._starts):
            raise ValueError("there are too few candles for a single decision")
        self.action_space = spaces.Discrete(3)
        self.observation_space = spaces.Box(-BOUND, BOUND, (COUNT,), np.float32)
        self._at, self._left = int(self._starts[0]), 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Seen, dict[str, Any]]:
        """`options["start"]` names the place instead: the first usable candle from there on."""
        super().reset(seed=seed)
        wanted = (options or {}).get("start")
        if wanted is None:
            self._at = int(self.np_random.choice(self._starts))
        else:
            self._at = self._usable_from(int(wanted))
        self._left = self._length
        return self._seen(), {"candle": self._at}

    def step(self, action: np.int64) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Truncated after `length` decisions or at the end of the data; the market never ends."""
        chosen = int(action)
        if not self.action_space.contains(np.int64(chosen)):
            raise ValueError(f"{action} is no action")
        if self._left <= 0:
            raise RuntimeError("reset the environment before the first step")
        reward = float(self.table.rewards[self._at, chosen])
        info = {"candle": self._at, "action": chosen}
        following = self._at + 1 if chosen == HOLD else int(self.table.after[self._at])
        self._left -= 1
        if following > int(self._starts[-1]):
            self._left = 0
        else:
            self._at = self._usable_from(following)
        return self._seen(), reward, False, self._left == 0, info

    def _usable_from(self, index: int) -> int:
        place = min(int(np.searchsorted(self._starts, index)), len(self._starts) - 1)
        return int(self._starts[place])

    def _seen(self) -> Seen:
        seen: Seen = self.table.seen[self._at].copy()
        return seen
