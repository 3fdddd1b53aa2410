"""Makes the four files of a trained letter network: .keras, .tflite, .json and .md.

`python -m predictions.training.letters.ship --data DIR --run RUN --out OUT`
"""

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from predictions.core import metrics
from predictions.core.classifier import Classifier, soften
from predictions.core.labels import LETTERS, MOVING_LETTERS
from predictions.core.letters import Network
from predictions.core.report import Report, SetScores, score
from predictions.training.convert import quantised, to_float
from predictions.training.evaluate import (
    INT8_MAY_LOSE,
    corruption_table,
    crop_table,
    latency,
    reader,
    summary,
)
from predictions.training.letters.augment import furnish
from predictions.training.letters.card import LIMITS, card
from predictions.training.letters.network import with_softmax
from predictions.training.letters.packs import SOURCES, UNSEEN, Hands, read_hands
from predictions.training.letters.run import answers, load_run
from predictions.training.letters.small import SmallNetwork, shrink
from predictions.training.network import count_macs
from predictions.training.ship import describe

log = logging.getLogger(__name__)

NAME, SMALL_NAME = "letters-v2", "letters-small-v1"
CALIBRATION_HANDS: Final = 500
THRESHOLD: Final = 0.25  # of calibrated confidence: below it three of four would be wrong
LICENCES: Final = {
    "keptsecret": "repository Apache-2.0",
    "hackmit": "repository MIT",
    "longhongvo": "repository MIT",
    "massey": "public domain (CC0)",
    UNSEEN: "repository MIT; reported, never learnt from",
}
TITLES: Final = {
    "validation": "hands of the sources that it learnt from",
    "unseen": "hands of a source that it never saw",
}


def ship(
    data: Path, run: Path, out: Path, *, others: Sequence[Path] = (), left_out: Sequence[Path] = ()
) -> dict[str, Any]:
    """Convert, judge and describe the run in the folder `run`; the facts of its .json.

    `others` are runs of the same recipe with other seeds; `left_out` are runs that held a source
    out, on which the temperature is fitted: hands of the sources it learnt from would make it
    too sure of others. Raises `FileNotFoundError` when there is no finished epoch, or no pack.
    """
    network, recipe = load_run(run)
    name = SMALL_NAME if recipe.small else NAME
    hands, check, unseen = (read_hands(data, split) for split in ("train", "val", "test"))
    out.mkdir(parents=True, exist_ok=True)
    whole = with_softmax(network)
    whole.save(out / f"{name}.keras")
    drawn = np.random.default_rng(recipe.seed).permutation(len(hands))[:CALIBRATION_HANDS]
    candidates = {
        "fp32": to_float(whole),
        "int8": quantised(whole, _calibration(hands.images[drawn], small=recipe.small)),
    }
    judged = {
        kind: _first_set(content, check, small=recipe.small) for kind, content in candidates.items()
    }
    loses = judged["fp32"]["accuracy"] - judged["int8"]["accuracy"]
    precision = "int8" if loses <= INT8_MAY_LOSE else "fp32"
    tflite = out / f"{name}.tflite"
    tflite.write_bytes(candidates[precision])
    strangers = [_answers_of_left_out(each, hands, check) for each in left_out]
    temperature = _temperature(network, check, strangers)
    report = _report(tflite, check, unseen, temperature=temperature, small=recipe.small)
    report["precision"] = {kind: summary(scores) for kind, scores in judged.items()}
    if others:
        report["seeds"] = [_seed_row(each, check, unseen, temperature) for each in (run, *others)]
    report["provenance"] = _provenance(hands, check, unseen)
    report["recipe"] = asdict(recipe)
    report["limits"] = list(LIMITS)
    facts: dict[str, Any] = {
        "tag": name,
        "task": "letters",
        "files": {kind: describe(out / f"{name}.{kind}") for kind in ("keras", "tflite")},
        "precision": precision,
        "temperature": temperature,
        "temperature_from": "sources held out" if strangers else "validation rows",
        "threshold": THRESHOLD,
        "bias": None,
        "total_params": network.count_params(),
        "macs": count_macs(network),
        "input_shape": str(network.input_shape),
        "input": _input_words(precision, small=recipe.small),
        "output": {"keras": "probabilities", "tflite": "float32 logits"},
        "classes": list(LETTERS),
        "movement_letters": sorted(MOVING_LETTERS),
        "left_out": [_left_out_row(logits, rows, temperature) for logits, rows in strangers],
        "abstention": _abstention(network, data, strangers, temperature),
        "metrics": report,
    }
    path = out / f"{name}.json"
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    path.with_suffix(".md").write_text(card(facts))
    return facts


def _network_of(tflite: Path, *, small: bool) -> Network:
    if small:
        return SmallNetwork(tflite)
    return Classifier(tflite, temperature=1.0, classes=len(LETTERS))


def _calibration(images: NDArray[np.uint8], *, small: bool) -> Iterator[list[NDArray[np.float32]]]:
    ends = np.zeros((1, *images.shape[1:]), np.uint8)
    ends[:, : images.shape[1] // 2] = 255  # black and white pin the range: a code is a pixel
    for picture in np.concatenate([ends, images]):
        one = picture[None]
        yield [(shrink(one) / 255).astype(np.float32) if small else one.astype(np.float32)]


def _first_set(content: bytes, check: Hands, *, small: bool) -> SetScores:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "candidate.tflite"
        path.write_bytes(content)
        logits = reader(_network_of(path, small=small))(check.images)
    return _score("validation", logits, check)


def _score(
    name: str, logits: NDArray[np.float32], hands: Hands, temperature: float = 1.0
) -> SetScores:
    return score(
        name,
        logits,
        hands.labels,
        title=TITLES[name],
        classes=LETTERS,
        temperature=temperature,
    )


def _report(
    tflite: Path, check: Hands, unseen: Hands, *, temperature: float, small: bool
) -> Report:
    network = _network_of(tflite, small=small)
    read = reader(network)
    sets = [("validation", check), ("unseen", unseen)]
    return {
        "classes": list(LETTERS),
        "sets": [
            _score(name, read(hands.images), hands, temperature)
            for name, hands in sets
            if len(hands)
        ],
        "corruptions": corruption_table(read, check.images, check.labels),
        "crop": crop_table(read, check.images, check.labels),
        "latency_ms": latency(network),
    }


def _answers_of_left_out(
    run: Path, hands: Hands, check: Hands
) -> tuple[NDArray[np.float32], Hands]:
    """What a run says of the source it held out, and the rows. Raises `ValueError` for others."""
    network, recipe = load_run(run)
    if not recipe.held_out:
        raise ValueError(f"{run} held no source out")
    rows = hands.of(recipe.held_out).joined(check.of(recipe.held_out))
    return answers(network, rows.images), rows


def _temperature(
    network: keras.Model, check: Hands, strangers: list[tuple[NDArray[np.float32], Hands]]
) -> float:
    """To four digits; each source held out counts alike."""
    if not strangers:
        fitted = metrics.fit_temperature(answers(network, check.images), check.labels)
    else:
        fits = [metrics.fit_temperature(logits, rows.labels) for logits, rows in strangers]
        fitted = float(np.exp(np.mean(np.log(fits))))
    return round(fitted, 4)


def _left_out_row(logits: NDArray[np.float32], rows: Hands, temperature: float) -> dict[str, Any]:
    confidence = soften(logits, np.float32(temperature))
    right = logits.argmax(axis=1) == rows.labels
    return {
        "source": SOURCES[rows.sources[0]],
        "n": len(rows),
        "accuracy": round(float(right.mean()), 4),
        "top3": round(metrics.top_accuracy(logits, rows.labels, 3), 4),
        "ece": round(metrics.expected_calibration_error(confidence, rows.labels), 4),
    }


def _abstention(
    network: keras.Model,
    data: Path,
    strangers: list[tuple[NDArray[np.float32], Hands]],
    temperature: float,
) -> dict[str, float]:
    """What the threshold does: on sources held out, and on rooms without a hand."""
    found: dict[str, float] = {}
    if strangers:
        logits = np.concatenate([each for each, _ in strangers])
        labels = np.concatenate([rows.labels for _, rows in strangers])
        sure = soften(logits, np.float32(temperature)).max(axis=1) >= THRESHOLD
        found["left_out_named"] = round(float(sure.mean()), 4)
        if sure.any():
            right = logits.argmax(axis=1) == labels
            found["left_out_right_of_named"] = round(float(right[sure].mean()), 4)
    rooms = furnish(read_hands(data, "train", cut_out=True).of("keptsecret")).rooms
    if len(rooms):
        confidence = soften(answers(network, rooms), np.float32(temperature)).max(axis=1)
        found["rooms_named"] = round(float((confidence >= THRESHOLD).mean()), 4)
    return found


def _seed_row(run: Path, check: Hands, unseen: Hands, temperature: float) -> dict[str, Any]:
    network, recipe = load_run(run)
    first = _score("validation", answers(network, check.images), check, temperature)
    row: dict[str, Any] = {
        "seed": recipe.seed,
        "n": first["n"],
        "accuracy": first["accuracy"],
        "macro_f1": first["macro_f1"],
        "ece": first["calibration"]["ece"],
        "recall": {},
    }
    if len(unseen):
        far = _score("unseen", answers(network, unseen.images), unseen, temperature)
        row["unseen"] = {
            "n": far["n"],
            "accuracy": far["accuracy"],
            "top3": far["top3"],
            "ece": far["calibration"]["ece"],
        }
    return row


def _provenance(hands: Hands, check: Hands, unseen: Hands) -> list[dict[str, Any]]:
    return [
        {
            "source": f"photographs of hands: {source}",
            "train": len(hands.of(source)),
            "validation": len(check.of(source)),
            "test": len(unseen.of(source)),
            "licence": LICENCES[source],
        }
        for source in SOURCES
    ]


def _input_words(precision: str, *, small: bool) -> str:
    if small:
        return "gray 0..1; the .tflite takes " + (
            "uint8 0..255" if precision == "int8" else "float32"
        )
    return "RGB 0..255; the .tflite takes " + ("uint8" if precision == "int8" else "float32")


def main(arguments: list[str] | None = None) -> None:
    """The command line: see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[], help="runs of other seeds")
    parser.add_argument(
        "--left-out", type=Path, nargs="*", default=[], help="runs without a source"
    )
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    facts = ship(given.data, given.run, given.out, others=given.others, left_out=given.left_out)
    log.info(
        "%s", [(one["name"], one["accuracy"], one["top3"]) for one in facts["metrics"]["sets"]]
    )


if __name__ == "__main__":
    main()
