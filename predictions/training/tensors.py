"""Writes the tensors on which the tests compare a shipped .tflite with its .keras file.

`python -m predictions.training.tensors` writes one `.npz` a network into the tests: patterns drawn
from a seed, no photographs, and what Keras says of them in fp32, without a bias.
"""

import json
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from predictions.training.evaluate import Network, reader
from predictions.training.figures import ROOT, SHIPPED
from predictions.training.letters.small import SmallKeras, is_small
from predictions.training.subject import KerasNetwork

TENSORS: Final = ROOT / "predictions" / "tests" / "tensors"
ROWS, COARSE, SIDE = 24, 12, 96


def draw() -> NDArray[np.uint8]:
    """(ROWS, 12, 12, 3) coarse patterns, from even gray to full contrast."""
    rng = np.random.default_rng(11)
    contrast = np.linspace(0.1, 1, ROWS)[:, None, None, None]
    level = rng.uniform(0.3, 0.7, (ROWS, 1, 1, 1))
    drawn = level + contrast * rng.uniform(-0.5, 0.5, (ROWS, COARSE, COARSE, 3))
    return np.asarray(np.clip(drawn, 0, 1) * 255, np.uint8)


def spread(coarse: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 12, 12, 3) to (n, 96, 96, 3), each pixel a square of 8."""
    times = SIDE // COARSE
    return coarse.repeat(times, axis=1).repeat(times, axis=2)


def write(facts_file: Path, out: Path = TENSORS) -> Path:
    """The tensors of one network."""
    facts = json.loads(facts_file.read_text())
    keras_file = facts_file.parent / facts["files"]["keras"]["name"]
    if is_small(facts):
        network: Network = SmallKeras(keras_file)
    else:
        network = KerasNetwork(keras_file, classes=facts["classes"])
    coarse = draw()
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{facts_file.stem}.npz"
    np.savez_compressed(
        target,
        coarse=coarse,
        answers=reader(network)(spread(coarse)),
        classes=np.array(facts["classes"]),
    )
    return target


def main() -> None:
    """Every shipped network."""
    for path in sorted(SHIPPED.glob("*.json")):
        write(path)


if __name__ == "__main__":
    main()
