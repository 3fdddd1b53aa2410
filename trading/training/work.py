"""What a child process does for one training; `python -m trading.training.work FOLDER PARENT`.

Files and answers are as in `trading.work`. Keras is loaded here alone.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trading.core.agent import TrainedAgent, write_agent
from trading.core.evaluation import walk_forward
from trading.core.options import Table, Terms, table
from trading.training.dqn import train
from trading.work import Work, end_with, main

FINAL_SHARE: Final = 0.95  # of the progress, when the agent itself is trained


class Refused(Exception):
    """The request cannot be met; `code` and `facts` say why."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code, self.facts = code, facts
        super().__init__(code)


def trained(work: Work) -> dict[str, Any]:
    """An agent, and what walk-forward says of the way it is trained."""
    asked = work.asked
    terms = Terms(
        float(asked["payout"]),
        int(asked["minutes"]),
        cost=float(asked["cost"]),
        slippage=float(asked["slippage"]),
    )
    candles = work.candles()
    data = table(candles, terms)

    def learner(what: Table, rows: NDArray[np.int64], seed: int) -> TrainedAgent:
        return train(what, rows, seed=seed)

    seeds = [int(asked["seed"]) + number for number in range(int(asked["seeds"]))]
    try:
        found = walk_forward(
            data,
            learner,
            seeds=seeds,
            count=int(asked["folds"]),
            tried=int(asked["tried"]),
            tell=lambda share: work.tell(FINAL_SHARE * share, "evaluate"),
        )
        work.tell(FINAL_SHARE, "train")
        agent = train(data, np.flatnonzero(data.usable), seed=seeds[0])
    except ValueError as error:
        raise Refused("too_few", least=3000, found=len(data)) from error
    work.write("agent.npz", write_agent(agent))
    told = found.as_json()
    work.write("evaluation.json", json.dumps(told, indent=1, allow_nan=False))
    learned = [int(candles.start[0]), int(candles.start[-1]) + candles.seconds]
    about = {"terms": asdict(terms), "always_holds": agent.margin is None, "learned": learned}
    return about | told


if __name__ == "__main__":
    end_with(int(sys.argv[2]))
    sys.exit(main(Path(sys.argv[1]), trained))
