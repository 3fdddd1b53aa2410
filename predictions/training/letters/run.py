"""Trains a letter network; killed, it goes on from its last finished epoch.

`weights.npz` (averaged weights), `state.npz` (what a resume needs) and `history.json` are left
in the out folder.
"""

import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from predictions.core.labels import LETTERS
from predictions.training.blocks import PLAIN, TIED, Plain, dress
from predictions.training.letters.augment import Studio, augment, furnish
from predictions.training.letters.network import build_letters, build_small
from predictions.training.letters.packs import SOURCES, Hands, one_hot, read_hands
from predictions.training.letters.small import shrink
from predictions.training.optimizer import Optimizer

log = logging.getLogger(__name__)

# How much of an epoch each source makes: the one with many rooms most, the one that is a single
# room and light least.
SHARES: Final = {"keptsecret": 0.35, "hackmit": 0.15, "longhongvo": 0.2, "massey": 0.3}


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what is learnt; the defaults made the shipped network."""

    epochs: int = 60
    seed: int = 1
    batch: int = 48
    draws: int = 4608  # pictures an epoch, drawn evenly from the letters of each source
    rate: float = 2e-3  # at its highest, after the first epoch
    conv_times: float = 5.0  # the rate of convolutions, in rates of the rest
    decay: float = 0.03  # of weights, times the rate
    average: float = 0.998  # what the averaged weights keep, each step
    smoothing: float = 0.1  # of the labels
    mixup: float = 0.2  # both parameters of the beta distribution; 0 mixes nothing
    plain: float = 0.15  # how often a picture is only mirrored
    width: int = 22
    small: bool = False  # the network for hardware
    held_out: str = ""  # a source to judge on instead of learning from it


def small_recipe(**changes: Any) -> Recipe:
    """The recipe of the network for hardware: it learns faster, and less at a time."""
    return replace(Recipe(small=True, mixup=0.0, smoothing=0.05), **changes)


class Trainer:
    """One run: the network, its optimizer and its averaged weights."""

    def __init__(self, recipe: Recipe) -> None:
        keras.utils.set_random_seed(recipe.seed)
        self.recipe, self.steps = recipe, max(1, recipe.draws // recipe.batch)
        self.network = build(recipe, TIED)
        rate = keras.optimizers.schedules.CosineDecay(
            recipe.rate / 20,
            max(1, (recipe.epochs - 1) * self.steps),  # a single epoch is all warm-up
            alpha=0.01,
            warmup_target=recipe.rate,
            warmup_steps=self.steps,
        )
        self.optimizer = Optimizer(
            self.network, rate, conv_times=recipe.conv_times, decay=recipe.decay
        )
        self.averages = [tf.Variable(v, trainable=False) for v in self.network.weights]
        self.epoch = 0
        self.history: list[dict[str, float]] = []

    @tf.function  # type: ignore[untyped-decorator]
    def _step(self, images: tf.Tensor, targets: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
        inputs = tf.cast(images, tf.float32) / (255.0 if self.recipe.small else 1.0)
        mixed = shares[:, None, None, None]
        inputs = inputs * mixed + tf.roll(inputs, 1, 0) * (1 - mixed)
        wanted = targets * shares[:, None] + tf.roll(targets, 1, 0) * (1 - shares[:, None])
        with tf.GradientTape() as tape:
            logits = tf.cast(self.network(inputs, training=True), tf.float32)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(wanted, logits))
        self.optimizer.apply(tape.gradient(loss, self.network.trainable_variables))
        seen = tf.cast(self.optimizer.iterations, tf.float32)
        keep = tf.minimum(self.recipe.average, (1.0 + seen) / (10.0 + seen))
        for average, variable in zip(self.averages, self.network.weights, strict=True):
            average.assign(average * keep + tf.convert_to_tensor(variable) * (1.0 - keep))
        return loss

    def run_epoch(self, hands: Hands, studio: Studio) -> float:
        """The mean loss of one epoch, which hangs on the seed and its number alone."""
        rng = np.random.default_rng([self.recipe.seed, self.epoch])
        losses = 0.0
        for images, targets in self._batches(hands, studio, rng):
            shares = np.ones(len(images), np.float32)
            if self.recipe.mixup:
                drawn = rng.beta(self.recipe.mixup, self.recipe.mixup, len(images))
                shares = np.maximum(drawn, 1 - drawn).astype(np.float32)
            losses += float(
                self._step(tf.constant(images), tf.constant(targets), tf.constant(shares))
            )
        self.epoch += 1
        return losses / self.steps

    def _batches(
        self, hands: Hands, studio: Studio, rng: np.random.Generator
    ) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        recipe = self.recipe
        rows = draw_rows(hands, self.steps * recipe.batch, rng).reshape(self.steps, recipe.batch)
        seeds = rng.integers(0, 2**62, self.steps).tolist()

        def prepare(step: int) -> NDArray[np.uint8]:
            drawn = np.random.default_rng(seeds[step])
            images = augment(hands, rows[step], studio, drawn, plain=recipe.plain)
            return shrink(images) if recipe.small else images

        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(prepare, 0)
            for step in range(self.steps):
                images = coming.result()
                if step + 1 < self.steps:
                    coming = ahead.submit(prepare, step + 1)
                yield images, one_hot(hands.labels[rows[step]], smoothing=recipe.smoothing)

    def averaged(self) -> keras.Model:
        """The network with the averaged weights, in standard layers, answering logits."""
        return _plain(self.recipe, [average.numpy() for average in self.averages])

    def save(self, out: Path) -> None:
        """Write everything a resume needs; a kill meanwhile leaves the state before."""
        # Not `weights`: the counters from which dropout draws are variables too.
        arrays: dict[str, Any] = {"epoch": np.array(self.epoch)}
        arrays |= {f"w{i}": np.array(v) for i, v in enumerate(self.network.variables)}
        arrays |= {f"o{i}": np.array(v) for i, v in enumerate(self.optimizer.variables)}
        arrays |= {f"a{i}": v.numpy() for i, v in enumerate(self.averages)}
        # The state comes last: a resume cuts the history to the state's epoch.
        part = out / "history.part"
        part.write_text(json.dumps({"recipe": asdict(self.recipe), "epochs": self.history}))
        part.replace(out / "history.json")
        _write_npz(out / "weights.npz", {k: v for k, v in arrays.items() if k[0] == "a"})
        _write_npz(out / "state.npz", arrays)

    def resume(self, out: Path) -> None:
        """Take up the state in `out`. Raises `ValueError` when another recipe made it."""
        kept = json.loads((out / "history.json").read_text())
        if kept["recipe"] != asdict(self.recipe):
            raise ValueError(f"{out} was made by another recipe: {kept['recipe']}")
        with np.load(out / "state.npz", allow_pickle=False) as state:
            for prefix, variables in (
                ("w", self.network.variables),
                ("o", self.optimizer.variables),
                ("a", self.averages),
            ):
                for number, variable in enumerate(variables):
                    variable.assign(state[f"{prefix}{number}"])
            self.epoch = int(state["epoch"])
        self.history = kept["epochs"][: self.epoch]


def train(data: Path, out: Path, recipe: Recipe, *, resume: bool = False) -> Trainer:
    """Train on the pack in `data`, leaving checkpoints in `out`.

    Raises `PackError` and `FileNotFoundError` of the pack, `ValueError` for an unknown source to
    hold out, and `FileExistsError` when `out` holds a run that `resume` does not go on with.
    """
    if not resume and (out / "state.npz").exists():
        raise FileExistsError(out / "state.npz")
    hands, check = read_hands(data, "train", cut_out=True), read_hands(data, "val")
    if recipe.held_out and recipe.held_out not in SHARES:
        raise ValueError(f"{recipe.held_out} is no source to learn from: {', '.join(SHARES)}")
    if recipe.held_out:
        check, hands = hands.of(recipe.held_out), hands.without(recipe.held_out)
    studio = furnish(hands)
    trainer = Trainer(recipe)
    out.mkdir(parents=True, exist_ok=True)
    if resume and (out / "state.npz").exists():
        trainer.resume(out)
    began, first = time.monotonic(), trainer.epoch
    while trainer.epoch < recipe.epochs:
        row = {"loss": trainer.run_epoch(hands, studio)}
        if trainer.epoch % 5 == 0 or trainer.epoch == recipe.epochs:
            row |= accuracy_by_source(answers(trainer.averaged(), check.images), check)
        trainer.history.append(row)
        trainer.save(out)
        spent = time.monotonic() - began
        left = spent / (trainer.epoch - first) * (recipe.epochs - trainer.epoch)
        shown = {name: round(value, 3) for name, value in row.items()}
        log.info("%d %s, %.1f min, about %.1f left", trainer.epoch, shown, spent / 60, left / 60)
    return trainer


def build(recipe: Recipe, kind: Plain = PLAIN) -> keras.Model:
    """The network of a recipe, answering logits; the small one's weights are never tied."""
    if recipe.small:
        return build_small()
    return build_letters(width=recipe.width, kind=kind)


def load_run(out: Path) -> tuple[keras.Model, Recipe]:
    """The network of a run with its averaged weights. Raises `FileNotFoundError`."""
    recipe = Recipe(**json.loads((out / "history.json").read_text())["recipe"])
    with np.load(out / "weights.npz", allow_pickle=False) as arrays:
        weights = [arrays[f"a{number}"] for number in range(len(arrays.files))]
    return _plain(recipe, weights), recipe


def _plain(recipe: Recipe, weights: list[NDArray[np.float32]]) -> keras.Model:
    trained, network = build(recipe, TIED), build(recipe)
    trained.set_weights(weights)
    dress(trained, network)
    return network


def answers(network: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 26) logits for (n, 96, 96, 3) RGB, by either network."""
    small = network.input_shape[-1] == 1
    logits = np.empty((len(images), len(LETTERS)), np.float32)
    for start in range(0, len(images), 128):
        part = images[start : start + 128]
        seen = shrink(part) / 255 if small else part
        logits[start : start + 128] = network(seen.astype(np.float32), training=False)
    return logits


def draw_rows(hands: Hands, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """n rows: each source as often as SHARES says, its letters evenly, their rows by chance."""
    there = np.unique(hands.sources)
    shares = np.array([SHARES[SOURCES[source]] for source in there])
    drawn = rng.choice(there, n, p=shares / shares.sum())
    rows = np.empty(n, np.int64)
    for source in there:
        wanted = np.flatnonzero(drawn == source)
        having = np.flatnonzero(hands.sources == source)
        letters = rng.choice(np.unique(hands.labels[having]), len(wanted))
        for letter in np.unique(letters):
            places = wanted[letters == letter]
            rows[places] = rng.choice(having[hands.labels[having] == letter], len(places))
    return rows


def accuracy_by_source(logits: NDArray[np.float32], hands: Hands) -> dict[str, float]:
    """The share of right answers among the rows of each source, and of three best ones."""
    found: dict[str, float] = {}
    best = np.argsort(-logits, axis=1)[:, :3]
    for source in np.unique(hands.sources):
        rows = hands.sources == source
        hits = best[rows] == hands.labels[rows, None]
        found[SOURCES[source]] = float(hits[:, 0].mean())
        found[f"{SOURCES[source]}_top3"] = float(hits.any(axis=1).mean())
    return found


def _write_npz(path: Path, arrays: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)
