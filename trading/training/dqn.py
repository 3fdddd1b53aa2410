"""Double deep Q-learning in Keras. Imported only in a job's own process.

What an option pays does not depend on who bought it, so that each step also teaches what the other
actions would have brought. A step's target is the reward and `discount` times what the target
network says of the action that the online network prefers in the next state (van Hasselt, Guez and
Silver, "Deep Reinforcement Learning with Double Q-learning", 2016).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from numpy.typing import NDArray

from trading.core.agent import (
    ACTIONS,
    HIDDEN,
    Floats32,
    Layers,
    TrainedAgent,
    chosen,
    forward,
)
from trading.core.evaluation import wilson
from trading.core.features import COUNT, MIRROR
from trading.core.options import HOLD, Table

MARGINS: Final = (0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3)
FEWEST: Final = 50  # decided trades before a margin is believed
Tell = Callable[[float], None]  # hears how far it is, 0 to 1


@dataclass(frozen=True, slots=True)
class Schooling:
    """How it is trained."""

    epochs: int = 12
    batch: int = 256
    rate: float = 2e-3
    decay: float = 1e-3
    discount: float = 0.3
    target_every: int = 50  # steps between two copies to the target network
    aside: float = 0.25  # of the data, its end, on which the margin is chosen


def network(seed: int) -> keras.Model:
    """A small stack of rectified layers."""
    keras.utils.set_random_seed(seed)
    stack = [keras.Input((COUNT,))]
    stack += [keras.layers.Dense(size, activation="relu") for size in HIDDEN]
    return keras.Sequential([*stack, keras.layers.Dense(ACTIONS)])


def layers_of(model: keras.Model) -> Layers:
    """The same network for NumPy."""
    values = [np.asarray(one, np.float32) for one in model.get_weights()]
    return tuple(zip(values[::2], values[1::2], strict=True))


def train(
    data: Table,
    rows: NDArray[np.int64],
    *,
    seed: int,
    schooling: Schooling | None = None,
    tell: Tell = lambda share: None,
) -> TrainedAgent:
    """An agent from these rows of the table alone, in the order of time."""
    how = schooling or Schooling()
    learn, choose = _halves(data, rows, how.aside)
    model = network(seed)
    rate = keras.optimizers.schedules.CosineDecay(
        how.rate, decay_steps=how.epochs * max(1, len(learn) // how.batch)
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=how.decay, clipnorm=1.0)
    model.compile(optimizer=optimizer, loss="mse")
    _fit(model, data, learn, how, np.random.default_rng(seed), tell)
    layers = layers_of(model)
    margin = margin_for(forward(layers, data.seen[choose]), data.rewards[choose], data)
    return TrainedAgent(layers, data.terms, data.candles.asset, data.candles.seconds, margin)


def _halves(
    data: Table, rows: NDArray[np.int64], aside: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is learned from, and what the margin is chosen on; no option reaches into both."""
    usable = rows[data.usable[rows]]
    if len(usable) < 2 * FEWEST:
        raise ValueError("there are too few candles to learn from")
    cut = int(len(usable) * (1 - aside))
    border = usable[cut]
    learn = usable[:cut][data.after[usable[:cut]] < border]
    return learn, usable[cut:]


def _fit(
    model: keras.Model,
    data: Table,
    rows: NDArray[np.int64],
    how: Schooling,
    rng: np.random.Generator,
    tell: Tell,
) -> None:
    following = _following(data, rows)
    target, step = layers_of(model), 0
    for epoch in range(how.epochs):
        order = rng.permutation(len(rows))
        for begin in range(0, len(order) - how.batch + 1, how.batch):
            if step % how.target_every == 0:
                target = layers_of(model)
            step += 1
            part = order[begin : begin + how.batch]
            turned = rng.random(len(part)) < 0.5  # half of the market upside down
            seen = _turned(data.seen[rows[part]], turned)
            wanted = _targets(
                data, rows[part], following[part], turned, target, layers_of(model), how.discount
            )
            model.train_on_batch(seen, wanted)
        tell((epoch + 1) / how.epochs)


def _following(data: Table, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row after each action, (n, 3); itself -1 where that is none to learn from."""
    after = np.stack([rows + 1, data.after[rows], data.after[rows]], axis=1)
    allowed = np.zeros(len(data) + 1, np.bool_)
    allowed[rows] = True
    after = np.minimum(after, len(data))
    return np.where(allowed[after], after, -1)


def _targets(
    data: Table,
    rows: NDArray[np.int64],
    following: NDArray[np.int64],
    turned: NDArray[np.bool_],
    target: Layers,
    online: Layers,
    discount: float,
) -> Floats32:
    rewards = data.rewards[rows].copy()
    rewards[turned] = rewards[turned][:, [0, 2, 1]]
    after = following.copy()
    after[turned] = after[turned][:, [0, 2, 1]]
    known = after >= 0
    seen = data.seen[np.where(known, after, rows[:, None])].reshape(-1, COUNT)
    seen = _turned(seen, np.repeat(turned, ACTIONS))
    preferred = forward(online, seen).argmax(axis=1)
    worth = forward(target, seen)[np.arange(len(seen)), preferred].reshape(-1, ACTIONS)
    return np.asarray(rewards + discount * np.where(known, worth, 0.0), np.float32)


def _turned(seen: Floats32, turned: NDArray[np.bool_]) -> Floats32:
    return np.where(turned[:, None], seen * MIRROR, seen)


def margin_for(worths: Floats32, rewards: NDArray[np.float64], data: Table) -> float | None:
    """The margin that earns most at the low end of its interval; None where none earns anything.

    The interval allows for having tried all of them.
    """
    best, found = 0.0, None
    terms = data.terms
    for margin in MARGINS:
        actions = chosen(worths, margin)
        traded = np.flatnonzero(actions != HOLD)
        gained = rewards[traded, actions[traded]] + terms.cost
        decided = int((gained != 0).sum())
        if decided < FEWEST:
            continue
        low = wilson(int((gained > 0).sum()), decided, error=0.05 / len(MARGINS))[0]
        expected = decided * (low * (1 + terms.payout) - 1 - terms.cost)
        if expected > best:
            best, found = expected, margin
    return found


def keras_worths(agent: TrainedAgent, seen: Floats32) -> NDArray[Any]:
    """What Keras says with the agent's weights; the NumPy answer is compared with it."""
    model = network(0)
    model.set_weights([values for pair in agent.layers for values in pair])
    return np.asarray(model.predict(seen, verbose=0, batch_size=1024))
