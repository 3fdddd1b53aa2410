"""Everything that needs TensorFlow, in one file so that it is imported once."""

import hashlib
import json
import shutil
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from django.core.management import CommandError, call_command

from predictions.core.classifier import Classifier, ModelUnfit
from predictions.core.corruptions import CORRUPTIONS
from predictions.core.labels import EMOTIONS
from predictions.tests.test_training_packs import write_packs
from predictions.training.blocks import dress
from predictions.training.convert import to_float, to_int8
from predictions.training.network import Shape, build_network, build_trunk, count_macs
from predictions.training.optimizer import Optimizer
from predictions.training.packs import read_split
from predictions.training.run import (
    Recipe,
    Trainer,
    TwoCosines,
    answers_of,
    class_weights,
    in_words,
    set_targets,
    taught,
    train,
    with_settings,
)
from predictions.training.ship import NAME, RARE, rarity_bias, ship
from predictions.training.subject import NoSubject, open_subject
from predictions.training.tensors import TENSORS, spread

# Keras 3.15 under NumPy 2, and the converter about itself
COPY_KEYWORD = "__array__ implementation doesn't accept"
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{COPY_KEYWORD}:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were:UserWarning"),
]

TINY = Recipe(epochs=1, calm_epochs=1, batch=8, width=16, dense=16, press_times=1)
SHIPPED = Path(__file__).parents[1] / "ml_models"


@dataclass(frozen=True)
class TinyRun:
    data: Path
    out: Path
    killed: Path  # the folder as it was after the first of two epochs
    trainer: Trainer


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    folder = tmp_path_factory.mktemp("tiny")
    data, out, killed = write_packs(folder), folder / "run", folder / "killed"
    save = Trainer.save

    def save_and_copy(trainer: Trainer, to: Path) -> None:
        save(trainer, to)
        if trainer.epoch == 1:
            shutil.copytree(to, killed)

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.filterwarnings("ignore", COPY_KEYWORD, DeprecationWarning)
        patch.setattr(Trainer, "save", save_and_copy)
        return TinyRun(data, out, killed, train(data, out, TINY))


def colours(n: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (n, 96, 96, 3), dtype=np.uint8)


def write_plain(
    folder: Path,
    entry: tuple[int, int, int],
    exit_: int,
    *,
    activation: str | None = None,
    batch: int | None = None,
) -> Path:
    """The .tflite of a network that somebody else might upload, always of the same weights."""
    keras.utils.set_random_seed(7)
    face = keras.layers.Input(entry, batch_size=batch)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, strides=4)(face))
    x = keras.layers.Dense(exit_, activation=activation)(keras.layers.Rescaling(1 / 50)(x))
    path = folder / f"{activation}-{batch}.tflite"
    with redirect_stdout(StringIO()):
        path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(keras.Model(face, x)).convert())
    return path


def a_tiny_network() -> keras.Model:
    keras.utils.set_random_seed(5)
    return build_network(Shape(16, 16))


def test_the_whole_network_answers_as_its_trunk_does_on_gray() -> None:
    keras.utils.set_random_seed(5)
    trunk, network = build_trunk(Shape(16, 16)), build_network(Shape(16, 16))
    dress(trunk, network)
    gray = np.random.default_rng(1).integers(0, 256, (3, 48, 48, 1)).astype(np.float32)
    logits = np.array(trunk(gray / 127.5 - 1))
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    whole = gray.repeat(2, axis=1).repeat(2, axis=2).repeat(3, axis=3)
    assert np.array(network(whole)) == pytest.approx(expected, abs=1e-5)


def test_multiply_accumulates_are_counted_by_hand() -> None:
    entry = keras.layers.Input((8, 8, 3))
    x = keras.layers.Conv2D(5, 3, strides=2, padding="same")(entry)  # 4*4 * 3*3*3*5 = 2160
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)  # 4*4 * 3*3*5 = 720
    x = keras.layers.Dense(7)(keras.layers.Flatten()(x))  # 80 * 7 = 560
    assert count_macs(keras.Model(entry, x)) == 2160 + 720 + 560


def test_rare_emotions_weigh_more_and_the_mean_face_weighs_one(tmp_path: Path) -> None:
    faces = read_split(write_packs(tmp_path), "train")
    kept = faces.take(np.flatnonzero((faces.labels != 1) | (np.arange(len(faces)) < 7)))
    weights = class_weights(kept, 0.5)
    assert weights[1] > weights[3]
    assert (weights * kept.targets.mean(axis=0)).sum() == pytest.approx(1)


def test_a_killed_run_goes_on_to_where_it_would_have_ended(tiny_run: TinyRun) -> None:
    data, whole, killed = tiny_run.data, tiny_run.trainer, tiny_run.killed
    assert [set(row) for row in whole.history] == [{"loss", "ferplus_strict", "press"}] * 2
    with pytest.raises(FileExistsError):
        train(data, killed, TINY)
    with pytest.raises(ValueError, match="another recipe"):
        train(data, killed, Recipe(), resume=True)
    resumed = train(data, killed, TINY, resume=True)
    assert resumed.epoch == 2
    assert resumed.history[0] == whole.history[0]
    for ours, theirs in zip(resumed.averages, whole.averages, strict=True):
        assert np.array(ours) == pytest.approx(np.array(theirs), abs=1e-4)


def test_a_teacher_sets_its_share_of_the_targets(tiny_run: TinyRun) -> None:
    faces = read_split(tiny_run.data, "train")
    answers = answers_of(tiny_run.out, faces.images)
    assert answers.sum(axis=1) == pytest.approx(np.ones(len(faces)), abs=1e-5)
    assert taught([tiny_run.out] * 2, faces.images) == pytest.approx(answers, abs=1e-4)
    heeding = replace(TINY, heed=0.25)
    expected = 0.75 * faces.targets + 0.25 * answers
    assert set_targets(faces, heeding, [tiny_run.out]) == pytest.approx(expected, abs=1e-4)
    assert set_targets(faces, heeding, []) == pytest.approx(faces.targets)
    assert in_words(tiny_run.out) == "width 16, dense 16, 2 epochs, mean of three sizes"


def test_labels_take_the_place_of_votes_by_their_share(tiny_run: TinyRun) -> None:
    faces = read_split(tiny_run.data, "train")
    majority = set_targets(faces, replace(TINY, majority=1.0), [])
    assert (majority.argmax(axis=1) == faces.labels).all()
    assert majority.max(axis=1) == pytest.approx(1)
    smooth = set_targets(faces, replace(TINY, majority=1.0, smoothing=0.07), [])
    assert sorted(smooth[0]) == pytest.approx([0.01] * 6 + [0.94])


def test_settings_of_the_recipe_are_named_on_the_command_line() -> None:
    assert with_settings(TINY, ["epochs=9", "blend=0.5"]) == replace(TINY, epochs=9, blend=0.5)
    with pytest.raises(ValueError, match="no setting is called colour"):
        with_settings(TINY, ["colour=1"])


def test_the_rate_warms_up_falls_and_rises_once_more_for_the_calm_epochs() -> None:
    recipe = replace(TINY, epochs=10, calm_epochs=2, rate=1e-2, calm_rate=1e-3)
    rate = TwoCosines(recipe, 100)
    assert [float(rate(step)) for step in (0, 100, 999, 1000, 1100, 1199)] == pytest.approx(
        [5e-4, 1e-2, 1e-4, 1e-3, 5.05e-4, 1e-5], rel=0.02
    )


def test_muon_turns_each_convolution_by_the_same_amount() -> None:
    entry = keras.layers.Input((4, 4, 3))
    model = keras.Model(entry, keras.layers.Conv2D(8, 3)(entry))
    kernel, bias = model.trainable_variables
    before = np.array(kernel)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 10)
    optimizer = Optimizer(model, rate, conv_times=2.0, decay=0.0)
    gradient = np.random.default_rng(0).normal(size=before.shape).astype(np.float32) * 1e-6
    optimizer.apply([tf.constant(gradient), tf.ones(bias.shape)])
    step = (before - np.array(kernel)).reshape(-1, 8)
    singular = np.linalg.svd(step / (2e-2 * 0.2 * 27**0.5), compute_uv=False)
    assert singular.min() > 0.6  # the five steps leave them between 0.7 and 1.2
    assert singular.max() < 1.3


def test_the_fp32_file_answers_as_keras_does(tmp_path: Path) -> None:
    network, path = a_tiny_network(), tmp_path / "fp32.tflite"
    path.write_bytes(to_float(network))
    expected = np.array(network(colours(6).astype(np.float32)))
    answers = Classifier(path, temperature=1.0).probabilities(colours(6))
    assert answers == pytest.approx(expected, abs=1e-5)


def test_the_int8_file_takes_bytes_and_answers_nearly_as_keras_does(tmp_path: Path) -> None:
    network, path = a_tiny_network(), tmp_path / "int8.tflite"
    path.write_bytes(to_int8(network, colours(20)[..., 0]))
    expected = np.array(network(colours(6).astype(np.float32)))
    answers = Classifier(path, temperature=1.0).probabilities(colours(6))
    assert answers == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(
    ("entry", "exit_", "words"),
    [
        ((48, 48, 3), 7, "input"),
        ((96, 96, 3), 5, "output"),
        ((96, 96, 1), 7, "input"),
    ],
)
def test_a_network_of_another_shape_is_unfit(
    entry: tuple[int, int, int], exit_: int, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnfit, match=words):
        Classifier(write_plain(tmp_path, entry, exit_), temperature=1.0)


def test_a_network_of_other_classes_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    path = write_plain(tmp_path, (96, 96, 3), 26, activation="softmax")
    letters = Classifier(path, temperature=1.0, classes=26).probabilities(colours(5))
    assert letters.shape == (5, 26)
    assert letters.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    with pytest.raises(ModelUnfit, match=r"not \(None, 7\)"):
        Classifier(path, temperature=1.0)


def test_a_network_of_five_classes_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(NoSubject, match=r"the output is \(None, 5\), not \(None, 7\)"):
        open_subject(write_plain(tmp_path, (96, 96, 3), 5))
    assert open_subject(write_plain(tmp_path, (96, 96, 3), 26)).task == "letters"


def test_a_keras_file_is_judged_like_the_litert_file_made_of_it(tmp_path: Path) -> None:
    network = a_tiny_network()
    network.save(tmp_path / "tiny.keras")
    (tmp_path / "tiny.tflite").write_bytes(to_float(network))
    ours, theirs = (open_subject(tmp_path / f"tiny.{kind}") for kind in ("keras", "tflite"))
    assert ours.task == theirs.task == "emotions"
    assert ours.network.probabilities(colours(5)) == pytest.approx(
        theirs.network.probabilities(colours(5)), abs=1e-5
    )


def test_a_network_that_answers_probabilities_is_softened_alike(tmp_path: Path) -> None:
    logits = Classifier(write_plain(tmp_path, (96, 96, 3), 7), temperature=2.0)
    ends_in_softmax = write_plain(tmp_path, (96, 96, 3), 7, activation="softmax")
    probabilities = Classifier(ends_in_softmax, temperature=2.0)
    assert probabilities.probabilities(colours(5)) == pytest.approx(
        logits.probabilities(colours(5)), abs=1e-4
    )


def test_a_network_for_one_face_at_a_time_still_answers_many(tmp_path: Path) -> None:
    many = Classifier(write_plain(tmp_path, (96, 96, 3), 7), temperature=1.0)
    one = Classifier(write_plain(tmp_path, (96, 96, 3), 7, batch=1), temperature=1.0)
    assert one.probabilities(colours(6)) == pytest.approx(many.probabilities(colours(6)), abs=1e-5)


def test_the_bias_undoes_a_share_of_the_rarity_of_the_rarest(tiny_run: TinyRun) -> None:
    faces = read_split(tiny_run.data, "train")
    assert rarity_bias(faces, 0) is None
    assert rarity_bias(faces, 0.5) == (0,) * 7  # all are equally many
    often = faces.take(np.repeat(np.arange(len(faces)), np.where(faces.labels == 1, 1, 9)))
    bias = rarity_bias(often, 0.5)
    assert bias is not None
    assert [one > 0 for one in bias] == [False, True, False, False, False, False, False]
    assert bias[1] == pytest.approx(0.5 * np.log(RARE / often.targets.mean(axis=0)[1]), abs=1e-3)


def test_a_run_ships_four_files_that_agree(tiny_run: TinyRun, tmp_path: Path) -> None:
    out = tmp_path / "shipped"
    facts = ship(tiny_run.data, tiny_run.out, out)
    assert facts.classes == EMOTIONS
    assert [(one["name"], one["n"]) for one in facts.metrics["sets"]] == [
        ("strict", 7),
        ("every", 14),
        ("press", 14),
    ]
    assert [one["train"] for one in facts.metrics["provenance"]] == [14, 14]
    assert len(facts.metrics["corruptions"]) == len(CORRUPTIONS)
    written = json.loads((out / f"{NAME}.json").read_text())
    for kind in ("keras", "tflite"):
        content = (out / f"{NAME}.{kind}").read_bytes()
        assert written["files"][kind]["sha256"] == hashlib.sha256(content).hexdigest()
    assert "not a state of mind" in (out / f"{NAME}.md").read_text()


def test_the_command_trains_by_the_shipped_recipe_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Recipe, bool]] = []

    def remember(_data: Path, _out: Path, recipe: Recipe, **how: Any) -> None:
        asked.append((recipe, how["resume"]))

    def refuse(*_: Path) -> None:
        raise FileNotFoundError("nothing to ship")

    monkeypatch.setattr("predictions.training.run.train", remember)
    monkeypatch.setattr("predictions.training.ship.ship", refuse)
    for more in ({}, {"epochs": 3, "seed": 9, "resume": True}):
        with pytest.raises(CommandError, match="nothing to ship"):
            call_command("train_emotions", data=tmp_path, **more)
    assert asked == [(Recipe(), False), (Recipe(epochs=3, seed=9), True)]


def test_one_epoch_is_a_run_and_none_is_refused(tmp_path: Path) -> None:
    trainer = Trainer(replace(TINY, calm_epochs=0), 3, np.ones(7, np.float32))
    assert float(trainer.optimizer.learning_rate) > 0
    with pytest.raises(CommandError, match="use 1 or more"):
        call_command("train_emotions", f"--data={tmp_path}", "--epochs=0")


def test_the_command_spares_a_run_that_it_was_not_told_to_resume(tiny_run: TinyRun) -> None:
    with pytest.raises(CommandError, match=r"state\.npz"):
        call_command("train_emotions", data=tiny_run.data, out=tiny_run.out)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("emotions-*.json")), ids=lambda p: p.stem)
def test_the_shipped_keras_file_is_the_network_of_its_card(path: Path) -> None:
    facts = json.loads(path.read_text())
    network = keras.models.load_model(path.with_suffix(".keras"))
    assert network.input_shape == (None, 96, 96, 3)
    assert network.output_shape == (None, 7)
    assert getattr(network, "optimizer", None) is None
    assert network.count_params() == facts["total_params"]
    assert count_macs(network) == facts["macs"] <= 20_000_000
    with np.load(TENSORS / f"{path.stem}.npz", allow_pickle=False) as tensors:
        faces, answers = spread(tensors["coarse"]), np.exp(tensors["answers"])
    assert np.array(network(faces.astype(np.float32))) == pytest.approx(answers, abs=1e-4)
