"""Train agents on walks and on injected signals: `python -m trading.tests.train_known SEEDS ROWS`.

The last line printed is JSON; every trial lies after all that was learned from.
"""

import json
import sys
import time
from typing import Any

import numpy as np

from trading.core.agent import chosen, read_agent, write_agent
from trading.core.evaluation import tally
from trading.core.features import WINDOW
from trading.core.options import Terms, table
from trading.core.synthetic import persistent
from trading.training.dqn import keras_worths, train


def main(seeds: int, rows: int) -> None:
    told: dict[str, Any] = {"walk": [], "signal": [], "largest_difference": 0.0, "compared": 0}
    for name, stays in (("walk", 0.5), ("signal", 0.65)):
        for seed in range(1, seeds + 1):
            data = table(persistent(rows + 8000, seed=100 + seed, stays=stays), Terms())
            learn = np.arange(rows)
            began = time.monotonic()
            agent = train(data, learn, seed=seed)
            took = time.monotonic() - began
            tried = np.flatnonzero(data.usable)
            tried = tried[tried > rows + WINDOW]
            seen = data.seen[tried]
            found = tally(data, tried, agent.actions(seen)).as_json()
            found |= {"seed": seed, "margin": agent.margin, "seconds": round(took, 1)}
            found["hold_rate_without_margin"] = float(np.mean(chosen(agent.worths(seen), 0.0) == 0))
            told[name].append(found)
            kept = read_agent(write_agent(agent))
            away = np.abs(keras_worths(agent, seen) - kept.worths(seen)).max()
            told["largest_difference"] = max(told["largest_difference"], float(away))
            told["compared"] += len(seen)
            sys.stdout.write(f"{name} {json.dumps(found)}\n")
    again = train(data, learn, seed=seeds)
    told["same_again"] = write_agent(again) == write_agent(agent)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
