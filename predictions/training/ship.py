"""Makes the four shipped files of a trained run: .keras, .tflite, .json and .md.

`python -m predictions.training.ship --data DIR --run training_runs/emotions --out OUT`
"""

import argparse
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np

from predictions.core.classifier import Classifier
from predictions.core.labels import EMOTIONS
from predictions.core.report import Report, SetScores
from predictions.training.blocks import TIED, dress
from predictions.training.card import LIMITS
from predictions.training.compose import best_margin
from predictions.training.convert import to_float, to_int8
from predictions.training.evaluate import (
    emotion_subsets,
    fitted_temperature,
    int8_is_good_enough,
    judge,
    latency,
    read_tflite,
    summary,
)
from predictions.training.figures import measure, write_facts
from predictions.training.network import build_network, build_trunk, count_macs
from predictions.training.packs import Faces, read_split
from predictions.training.run import Recipe

log = logging.getLogger(__name__)

NAME = "emotions-v3"
TAG = "v3.0.0"
CALIBRATION_FACES = 500
# How far the rarity of the rarest emotions among the training faces is undone, chosen on the
# validation rows: one number for all, so that it cannot fit the few faces of any.
RARITY_UNDONE = 0.6
RARE = 0.05  # of the training faces, where seven equal emotions would have 0.14 each


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
    task: str
    files: dict[str, dict[str, Any]]  # by kind, keras and tflite: name, bytes, sha256
    precision: str  # of the .tflite: fp32 or int8
    temperature: float  # divides the logits before the softmax
    bias: tuple[float, ...] | None  # added to the logits before that, one number a class
    total_params: int
    macs: int  # multiply-accumulates for one face
    input_shape: str
    input: str
    output: dict[str, str]
    classes: tuple[str, ...]
    crop: Crop
    metrics: Report  # of the .tflite


def ship(
    data: Path,
    run: Path,
    out: Path,
    *,
    name: str = NAME,
    tag: str = TAG,
    others: Sequence[Path] = (),
    undo: float = RARITY_UNDONE,
) -> Facts:
    """Convert, judge and describe the run in the folder `run`; writes four files to `out`.

    `others` are runs of the same recipe with other seeds, for the table of seeds; `undo` sets the
    bias. Raises `FileNotFoundError` when there is no finished epoch, or no pack in `data`.
    """
    recipe = _recipe(run)
    network = load_network(run / "trunk.npz", recipe)
    faces, check = read_split(data, "train"), read_split(data, "val")
    clear = check.take(check.strict)  # rows whose label is hardly in doubt
    bias = rarity_bias(faces, undo)
    out.mkdir(parents=True, exist_ok=True)
    network.save(out / f"{name}.keras")
    drawn = np.random.default_rng(recipe["seed"]).permutation(len(faces))[:CALIBRATION_FACES]
    candidates = {"fp32": to_float(network), "int8": to_int8(network, faces.images[drawn])}
    first = {kind: _first_set(content, check, bias) for kind, content in candidates.items()}
    precision = "int8" if int8_is_good_enough(first["fp32"], first["int8"]) else "fp32"
    tflite = out / f"{name}.tflite"
    tflite.write_bytes(candidates[precision])
    read = read_tflite(tflite, bias=bias)
    temperature = fitted_temperature(read(clear.images), clear.labels)
    kept: dict[str, Any] = {
        "precision": {kind: summary(scores) for kind, scores in first.items()},
        "latency_ms": latency(Classifier(tflite, temperature=temperature, bias=bias)),
        "provenance": provenance(faces, check),
        "recipe": recipe | _teacher(run),
        "limits": list(LIMITS),
    }
    if others:
        kept["seeds"] = [seed_row(folder, check, bias) for folder in (run, *others)]
    facts = Facts(
        tag=tag,
        task="emotions",
        files={kind: describe(out / f"{name}.{kind}") for kind in ("keras", "tflite")},
        precision=precision,
        temperature=temperature,
        bias=bias,
        total_params=network.count_params(),
        macs=count_macs(network),
        input_shape=str(network.input_shape),
        input="RGB 0..255; the .tflite takes " + ("uint8" if precision == "int8" else "float32"),
        output={"keras": "probabilities", "tflite": "float32 logits"},
        classes=EMOTIONS,
        crop=Crop(),
        metrics={"classes": list(EMOTIONS), "sets": [], **kept},  # type: ignore[typeddict-item]
    )
    report = measure(asdict(facts), out, data)
    crop = Crop(margin=best_margin(report["end_to_end"]))
    facts = replace(facts, metrics=report, crop=crop)
    write_facts(out / f"{name}.json", asdict(facts))
    return facts


def rarity_bias(faces: Faces, undo: float) -> tuple[float, ...] | None:
    """What is added to each logit: undo * log(RARE / share of the emotion), where that is rarer.

    Source: logit adjustment, Menon et al. 2021, arXiv:2007.07314. Adjusting the others, too, costs
    half a point more and finds no more of the rare ones.
    """
    if undo == 0:
        return None
    rarity = np.log(RARE / np.maximum(faces.targets.mean(axis=0), 1e-4))
    return tuple(round(float(one), 4) for one in undo * np.maximum(rarity, 0))


def seed_row(run: Path, check: Faces, bias: tuple[float, ...] | None = None) -> dict[str, Any]:
    """What one run reached on the first set in fp32, with a temperature of its own."""
    recipe = _recipe(run)
    network = load_network(run / "trunk.npz", recipe)
    scores = _first_set(to_float(network), check, bias)
    return {
        "seed": recipe["seed"],
        "n": scores["n"],
        "accuracy": scores["accuracy"],
        "macro_f1": scores["macro_f1"],
        "ece": scores["calibration"]["ece"],
        "recall": {name: scores["per_class"][name]["recall"] for name in ("disgust", "fear")},
    }


def _recipe(run: Path) -> dict[str, Any]:
    recipe: dict[str, Any] = json.loads((run / "history.json").read_text())["recipe"]
    return recipe


def _teacher(run: Path) -> dict[str, str]:
    words = json.loads((run / "history.json").read_text()).get("teacher")
    return {"teacher": words} if words else {}


def load_network(weights: Path, recipe: dict[str, Any]) -> keras.Model:
    """The whole network with the averaged weights of a run."""
    shape = Recipe(**recipe).shape()
    trunk, network = build_trunk(shape, TIED), build_network(shape)
    with np.load(weights, allow_pickle=False) as arrays:
        trunk.set_weights([arrays[f"a{number}"] for number in range(len(arrays.files))])
    dress(trunk, network)
    return network


def _first_set(content: bytes, check: Faces, bias: tuple[float, ...] | None) -> SetScores:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "candidate.tflite"
        path.write_bytes(content)
        answers = read_tflite(path, bias=bias)(check.images)
    temperature = fitted_temperature(answers[check.strict], check.labels[check.strict])
    return judge(answers, check.labels, emotion_subsets(check)[:1], temperature=temperature)[0]


def describe(path: Path) -> dict[str, Any]:
    """A file by its name, size and digest."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"name": path.name, "bytes": len(content), "sha256": digest}


def provenance(faces: Faces, check: Faces) -> list[dict[str, Any]]:
    """Where the rows of training and validation come from."""
    return [
        {
            "source": "FER2013 faces (48x48 gray) with FER+ crowd votes",
            "train": int((~faces.press).sum()),
            "validation": int((~check.press).sum()),
            "licence": "votes MIT; the photographs were collected from the web for a contest in "
            "2013, without an open licence",
        },
        {
            "source": "press photographs (muxspace), split by person",
            "train": int(faces.press.sum()),
            "validation": int(check.press.sum()),
            "licence": "repository Apache-2.0",
        },
    ]


def main(arguments: list[str] | None = None) -> None:
    """The command line: see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, default=Path("training_runs/emotions"))
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="runs of other seeds")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default=NAME, help="of the four files")
    parser.add_argument("--tag", default=TAG, help="of the version")
    parser.add_argument("--undo", type=float, default=RARITY_UNDONE, help="of an emotion's rarity")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    facts = ship(
        given.data,
        given.run,
        given.out,
        name=given.name,
        tag=given.tag,
        others=given.others,
        undo=given.undo,
    )
    log.info("%s, %s", facts.precision, summary(facts.metrics["sets"][0]))


if __name__ == "__main__":
    main()
