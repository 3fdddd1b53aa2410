"""Trains the emotion network; killed, it goes on from its last finished epoch.

`python -m predictions.training.run --data DIR` writes `trunk.npz` (averaged weights),
`state.npz` (what a resume needs) and `history.json` into the out folder.
"""

import argparse
import json
import logging
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from predictions.core.classifier import soften
from predictions.core.labels import EMOTIONS
from predictions.training.augment import augment, mix, shrink
from predictions.training.blocks import TIED, dress
from predictions.training.evaluate import recut
from predictions.training.network import Shape, build_trunk
from predictions.training.optimizer import Optimizer
from predictions.training.packs import Faces, one_hot, read_split

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what is learnt; the defaults made the shipped network."""

    epochs: int = 50
    seed: int = 1
    batch: int = 128
    rate: float = 2e-3  # at its highest, after the first epoch
    conv_times: float = 5.0  # the rate of convolutions, in rates of the rest
    decay: float = 0.03  # of weights, times the rate
    average: float = 0.998  # what the averaged weights keep, each step
    rarity: float = 0.3  # exponent of the class weights: 0 is none, 1 is full balance
    press_times: int = 2  # press photographs are few: each is seen so often an epoch
    plain: float = 0.3  # share of the faces that are not distorted
    calm_epochs: int = 5  # more epochs at the end, with fewer distorted faces
    calm_plain: float = 0.8  # share of the faces that are not distorted then
    calm_rate: float = 2e-4  # the highest rate then
    blend: float = 0.0  # share of the batches laid over one another (mixup)
    patch: float = 0.0  # share of the batches with a rectangle of another face (CutMix)
    majority: float = 0.0  # share of the target given to the majority label, not to the votes
    smoothing: float = 0.0  # share of the target spread over all emotions
    heed: float = 0.7  # share of the target that a teacher sets, where there is one
    width: int = 64
    dense: int = 832
    drop_flat: float = 0.1
    drop_dense: float = 0.3

    @property
    def all_epochs(self) -> int:
        """Passes over the data, the calm ones too."""
        return self.epochs + self.calm_epochs

    def shape(self) -> Shape:
        """The trunk that this recipe trains."""
        return Shape(self.width, self.dense, self.drop_flat, self.drop_dense)


class TwoCosines(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A warm-up and a long cosine, then a short and low one for the calm epochs."""

    def __init__(self, recipe: Recipe, steps_per_epoch: int) -> None:
        long = recipe.epochs * steps_per_epoch
        self._long = keras.optimizers.schedules.CosineDecay(
            recipe.rate / 20,
            max(1, long - steps_per_epoch),  # a single epoch is all warm-up
            alpha=0.01,
            warmup_target=recipe.rate,
            warmup_steps=steps_per_epoch,
        )
        self._calm = keras.optimizers.schedules.CosineDecay(
            recipe.calm_rate, max(1, recipe.calm_epochs * steps_per_epoch), alpha=0.01
        )
        self._turn = long

    def __call__(self, step: Any) -> Any:
        """The rate at `step`, of all but convolutions."""
        step = tf.cast(step, tf.float32)
        calm = self._calm(tf.maximum(step - self._turn, 0.0))
        return tf.where(step < self._turn, self._long(step), calm)


class Trainer:
    """One run: the trunk, its optimizer and its averaged weights."""

    def __init__(self, recipe: Recipe, steps_per_epoch: int, weights: NDArray[np.float32]) -> None:
        """`weights`: (7,) how much each emotion counts in the loss."""
        keras.utils.set_random_seed(recipe.seed)
        self.recipe, self.steps = recipe, steps_per_epoch
        self.trunk = build_trunk(recipe.shape(), TIED)
        self.optimizer = Optimizer(
            self.trunk,
            TwoCosines(recipe, steps_per_epoch),
            conv_times=recipe.conv_times,
            decay=recipe.decay,
        )
        self.averages = [tf.Variable(v, trainable=False) for v in self.trunk.weights]
        self.weights = tf.constant(weights)
        self.teacher: str | None = None  # in words, for the card
        self.epoch = 0
        self.history: list[dict[str, float]] = []

    @tf.function  # type: ignore[untyped-decorator]
    def _step(self, images: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        scaled = tf.cast(images, tf.float32)[..., None] / 127.5 - 1.0
        with tf.GradientTape() as tape:
            logits = self.trunk(scaled, training=True)
            each = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            loss = tf.reduce_mean(each * tf.linalg.matvec(targets, self.weights))
        gradients = tape.gradient(loss, self.trunk.trainable_variables)
        self.optimizer.apply(gradients)
        seen = tf.cast(self.optimizer.iterations, tf.float32)
        keep = tf.minimum(self.recipe.average, (1.0 + seen) / (10.0 + seen))
        for average, variable in zip(self.averages, self.trunk.weights, strict=True):
            average.assign(average * keep + tf.convert_to_tensor(variable) * (1.0 - keep))
        return loss

    def run_epoch(self, faces: Faces) -> float:
        """One pass over `faces`; the mean loss. Order and distortion hang on seed and epoch."""
        bar = keras.utils.Progbar(self.steps, stateful_metrics=["loss"])
        losses = 0.0
        for step, (images, targets) in enumerate(self._batches(faces), 1):
            losses += float(self._step(tf.constant(images), tf.constant(targets)))
            if step % 20 == 0 or step == self.steps:
                bar.update(step, [("loss", losses / step)])
        self.epoch += 1
        return losses / self.steps

    def _batches(self, faces: Faces) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        rng = np.random.default_rng([self.recipe.seed, self.epoch])
        order = _epoch_order(faces, self.recipe, rng)
        chunks = [order[i * self.recipe.batch :][: self.recipe.batch] for i in range(self.steps)]

        calm = self.epoch >= self.recipe.epochs
        plain = self.recipe.calm_plain if calm else self.recipe.plain

        def prepare(
            rows: NDArray[np.int64], seed: int
        ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
            own, recipe = np.random.default_rng(seed), self.recipe
            images = augment(faces.images[rows], own, plain=plain)
            return mix(images, faces.targets[rows], own, blend=recipe.blend, patch=recipe.patch)

        seeds = rng.integers(0, 2**62, len(chunks)).tolist()
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(prepare, chunks[0], seeds[0])
            for step in range(len(chunks)):
                ready = coming.result()
                if step + 1 < len(chunks):
                    coming = ahead.submit(prepare, chunks[step + 1], seeds[step + 1])
                yield ready

    def averaged(self) -> keras.Model:
        """A trunk with the averaged weights, for judging and shipping."""
        return load_trunk(self.recipe, [average.numpy() for average in self.averages])

    def save(self, out: Path) -> None:
        """Write everything a resume needs; a kill meanwhile leaves the state before."""
        # Not `weights`: the counters from which dropout draws are variables too.
        arrays: dict[str, Any] = {"epoch": np.array(self.epoch)}
        arrays |= {f"w{i}": np.array(v) for i, v in enumerate(self.trunk.variables)}
        arrays |= {f"o{i}": np.array(v) for i, v in enumerate(self.optimizer.variables)}
        arrays |= {f"a{i}": v.numpy() for i, v in enumerate(self.averages)}
        # The state comes last: a resume cuts the history to the state's epoch.
        part = out / "history.part"
        part.write_text(
            json.dumps(
                {
                    "recipe": asdict(self.recipe),
                    "teacher": self.teacher,
                    "epochs": self.history,
                }
            )
        )
        part.replace(out / "history.json")
        _write_npz(out / "trunk.npz", {k: v for k, v in arrays.items() if k[0] == "a"})
        _write_npz(out / "state.npz", arrays)

    def resume(self, out: Path) -> None:
        """Take up the state in `out`. Raises `ValueError` when another recipe made it."""
        kept = json.loads((out / "history.json").read_text())
        if kept["recipe"] != asdict(self.recipe):
            raise ValueError(f"{out} was made by another recipe: {kept['recipe']}")
        with np.load(out / "state.npz", allow_pickle=False) as state:
            for prefix, variables in (
                ("w", self.trunk.variables),
                ("o", self.optimizer.variables),
                ("a", self.averages),
            ):
                for number, variable in enumerate(variables):
                    variable.assign(state[f"{prefix}{number}"])
            self.epoch = int(state["epoch"])
        self.history = kept["epochs"][: self.epoch]


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    *,
    resume: bool = False,
    teachers: Sequence[Path] = (),
) -> Trainer:
    """Train on the packs in `data`, leaving checkpoints in `out`.

    `teachers`: folders of finished runs, whose mean answer becomes a part of the targets.

    Raises `PackError` and `FileNotFoundError` of the packs, and `FileExistsError` when `out`
    holds a run that `resume` does not ask to go on with.
    """
    if not resume and (out / "state.npz").exists():
        raise FileExistsError(out / "state.npz")
    faces, check = read_split(data, "train"), read_split(data, "val")
    faces = replace(faces, targets=set_targets(faces, recipe, teachers))
    rows = len(_epoch_order(faces, recipe, np.random.default_rng(0)))
    trainer = Trainer(recipe, max(1, rows // recipe.batch), class_weights(faces, recipe.rarity))
    trainer.teacher = "; ".join(map(in_words, teachers)) or None
    out.mkdir(parents=True, exist_ok=True)
    if resume and (out / "state.npz").exists():
        trainer.resume(out)
    small = shrink(check.images)
    began, first = time.monotonic(), trainer.epoch
    while trainer.epoch < recipe.all_epochs:
        log.info("epoch %d of %d", trainer.epoch + 1, recipe.all_epochs)
        loss = trainer.run_epoch(faces)
        right = _right(trainer.averaged(), small, check.labels)
        row = {
            "loss": loss,
            "ferplus_strict": float(right[check.strict & ~check.press].mean()),
            "press": float(right[check.press].mean()) if check.press.any() else math.nan,
        }
        trainer.history.append(row)
        trainer.save(out)
        spent = time.monotonic() - began
        left = spent / (trainer.epoch - first) * (recipe.all_epochs - trainer.epoch)
        log.info("%s, %.0f min spent, about %.0f min left", row, spent / 60, left / 60)
    return trainer


def set_targets(faces: Faces, recipe: Recipe, teachers: Sequence[Path]) -> NDArray[np.float32]:
    """(n, 7) what the network shall answer, as the recipe mixes it."""
    targets = faces.targets * (1 - recipe.majority) + one_hot(faces.labels) * recipe.majority
    targets = targets * (1 - recipe.smoothing) + recipe.smoothing / len(EMOTIONS)
    if teachers:
        targets = targets * (1 - recipe.heed) + taught(teachers, faces.images) * recipe.heed
    return targets.astype(np.float32)


def taught(teachers: Sequence[Path], images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 7) what finished runs say of (n, 96, 96) faces, in their geometric mean."""
    logs = [np.log(answers_of(run, images) + np.float32(1e-6)) for run in teachers]
    return soften(np.mean(logs, axis=0), np.float32(1))


def answers_of(run: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 7) probabilities that a finished run gives (n, 96, 96) faces, in the mean of three sizes
    of the crop."""
    kept = json.loads((run / "history.json").read_text())
    with np.load(run / "trunk.npz", allow_pickle=False) as weights:
        trunk = load_trunk(
            Recipe(**kept["recipe"]), [weights[f"a{i}"] for i in range(len(weights))]
        )
    total = np.zeros((len(images), len(EMOTIONS)))
    for side in (0.93, 1.0, 1.07):
        small = shrink(recut(images, side))
        total += np.concatenate([soften(part, np.float32(1)) for part in _logits(trunk, small)])
    return (total / 3).astype(np.float32)


def in_words(run: Path) -> str:
    """What a run was, for whoever reads of its pupil."""
    kept = json.loads((run / "history.json").read_text())
    recipe, done = Recipe(**kept["recipe"]), len(kept["epochs"])
    return f"width {recipe.width}, dense {recipe.dense}, {done} epochs, mean of three sizes"


def load_trunk(recipe: Recipe, weights: list[NDArray[np.float32]]) -> keras.Model:
    """The trunk of a recipe, in standard layers, with those weights of the tied ones."""
    tied, trunk = build_trunk(recipe.shape(), TIED), build_trunk(recipe.shape())
    tied.set_weights(weights)
    dress(tied, trunk)
    return trunk


def class_weights(faces: Faces, rarity: float) -> NDArray[np.float32]:
    """(7,) weights, (1 / share)^rarity, scaled so that the mean over `faces` is 1."""
    share = np.maximum(faces.targets.mean(axis=0), 1e-4)
    raw = share**-rarity
    return np.asarray(raw / (raw * share).sum(), np.float32)


def _epoch_order(faces: Faces, recipe: Recipe, rng: np.random.Generator) -> NDArray[np.int64]:
    times = np.where(faces.press, recipe.press_times, 1)
    return rng.permutation(np.repeat(np.arange(len(faces)), times))


def _right(
    trunk: keras.Model, small: NDArray[np.uint8], labels: NDArray[np.int64]
) -> NDArray[np.bool_]:
    said = np.concatenate([part.argmax(axis=1) for part in _logits(trunk, small)])
    return np.asarray(said == labels, np.bool_)


def _logits(trunk: keras.Model, small: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Of (n, 48, 48) faces, some hundred at a time."""
    for start in range(0, len(small), 256):
        part = small[start : start + 256, ..., None].astype(np.float32) / 127.5 - 1
        yield np.asarray(trunk(part, training=False), np.float32)


def _write_npz(path: Path, arrays: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)


def with_settings(recipe: Recipe, settings: list[str]) -> Recipe:
    """The recipe with some fields set, each "name=value". Raises `ValueError`."""
    kinds = {field.name: type(getattr(recipe, field.name)) for field in fields(recipe)}
    given: dict[str, Any] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in kinds:
            raise ValueError(f"no setting is called {name}; there are {', '.join(kinds)}")
        given[name] = kinds[name](value)
    return replace(recipe, **given)


def main(arguments: list[str] | None = None) -> None:
    """The command line: see `--help`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("training_runs/emotions"))
    parser.add_argument("--epochs", type=int, default=Recipe().epochs)
    parser.add_argument("--seed", type=int, default=Recipe().seed)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--teacher", type=Path, nargs="*", default=[], help="finished runs")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="of the recipe")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = with_settings(Recipe(epochs=given.epochs, seed=given.seed), given.set)
    train(given.data, given.out, recipe, resume=given.resume, teachers=given.teacher)


if __name__ == "__main__":
    main()
