"""Makes the four shipped files of a trained run: .keras, .tflite, .json and .md.

`python -m predictions.training.ship --data DIR --run training_runs/emotions --out OUT`
"""

import argparse
import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from predictions.core.labels import EMOTIONS
from predictions.training.card import card
from predictions.training.convert import to_float, to_int8
from predictions.training.evaluate import (
    Evaluation,
    accuracy_by_crop,
    evaluate,
    int8_is_good_enough,
    log_answers,
)
from predictions.training.network import build_network, build_trunk, count_macs, dress
from predictions.training.packs import Faces, read_split

log = logging.getLogger(__name__)

NAME = "emotions-v1"
TAG = "v1.0.0"
CALIBRATION_FACES = 500


@dataclass(frozen=True, slots=True)
class Crop:
    """Which part of a picture the network expects to be given."""

    detector: str = "OpenCV haarcascade_frontalface_alt"
    margin: float = 0.02  # added to each side of the detector's box, in sides of the box
    square: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What the .json says about the two files beside it."""

    tag: str
    files: dict[str, dict[str, Any]]  # by kind, keras and tflite: name, bytes, sha256
    precision: str  # of the .tflite: fp32 or int8
    temperature: float  # divides the logits before the softmax
    total_params: int
    macs: int  # multiply-accumulates for one face
    input_shape: str
    input: str
    output: dict[str, str]
    classes: tuple[str, ...]
    crop: Crop
    rows: dict[str, int]
    recipe: dict[str, Any]
    metrics: Evaluation  # of the .tflite
    metrics_fp32: Evaluation
    metrics_int8: Evaluation
    accuracy_by_crop: dict[str, float]  # strict, by side of the crop


def ship(data: Path, run: Path, out: Path) -> Facts:
    """Convert, judge and describe the run in the folder `run`; writes four files to `out`.

    Raises `FileNotFoundError` when there is no finished epoch, or no pack in `data`.
    """
    recipe = json.loads((run / "history.json").read_text())["recipe"]
    network = load_network(run / "trunk.npz", recipe)
    faces, check = read_split(data, "train"), read_split(data, "val")
    out.mkdir(parents=True, exist_ok=True)
    network.save(out / f"{NAME}.keras")
    drawn = np.random.default_rng(recipe["seed"]).permutation(len(faces))[:CALIBRATION_FACES]
    candidates = {"fp32": to_float(network), "int8": to_int8(network, faces.images[drawn])}
    judged = {name: _judge(content, check) for name, content in candidates.items()}
    precision = "int8" if int8_is_good_enough(judged["fp32"], judged["int8"]) else "fp32"
    (out / f"{NAME}.tflite").write_bytes(candidates[precision])
    facts = Facts(
        tag=TAG,
        files={kind: _describe(out / f"{NAME}.{kind}") for kind in ("keras", "tflite")},
        precision=precision,
        temperature=round(judged[precision].temperature, 4),
        total_params=network.count_params(),
        macs=count_macs(network),
        input_shape=str(network.input_shape),
        input="RGB 0..255; the .tflite takes " + ("uint8" if precision == "int8" else "float32"),
        output={"keras": "probabilities", "tflite": "float32 logits"},
        classes=EMOTIONS,
        crop=Crop(),
        rows=_count(faces, check),
        recipe=recipe,
        metrics=judged[precision],
        metrics_fp32=judged["fp32"],
        metrics_int8=judged["int8"],
        accuracy_by_crop=accuracy_by_crop(out / f"{NAME}.tflite", check),
    )
    (out / f"{NAME}.json").write_text(json.dumps(asdict(facts), indent=1) + "\n")
    (out / f"{NAME}.md").write_text(card(asdict(facts)))
    return facts


def load_network(weights: Path, recipe: dict[str, Any]) -> keras.Model:
    """The whole network with the averaged weights of a run."""
    size = {"width": recipe["width"], "dense": recipe["dense"]}
    trunk, network = build_trunk(**size), build_network(**size)
    with np.load(weights, allow_pickle=False) as arrays:
        trunk.set_weights([arrays[f"a{number}"] for number in range(len(arrays.files))])
    dress(trunk, network)
    return network


def _judge(content: bytes, check: Faces) -> Evaluation:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "candidate.tflite"
        path.write_bytes(content)
        return evaluate(log_answers(path, check.images), check)


def _describe(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"name": path.name, "bytes": len(content), "sha256": digest}


def _count(faces: Faces, check: Faces) -> dict[str, int]:
    return {
        "train_ferplus": int((~faces.press).sum()),
        "train_press": int(faces.press.sum()),
        "val_ferplus": int((~check.press).sum()),
        "val_ferplus_strict": int((check.strict & ~check.press).sum()),
        "val_press": int(check.press.sum()),
    }


def main(arguments: list[str] | None = None) -> None:
    """The command line: see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=Path("training_runs/emotions"))
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    facts = ship(given.data, given.run, given.out)
    log.info("%s, strict accuracy %.4f", facts.precision, facts.metrics.strict.accuracy)


if __name__ == "__main__":
    main()
