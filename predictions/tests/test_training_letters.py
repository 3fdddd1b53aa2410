"""The training of the letter networks, on a pack of drawn hands."""

import json
import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from predictions.core.classifier import Classifier
from predictions.core.labels import LETTERS
from predictions.training.letters.augment import Studio, augment, furnish
from predictions.training.letters.masks import hand_mask
from predictions.training.letters.network import build_letters, build_small
from predictions.training.letters.packs import SOURCES, UNSEEN, one_hot, read_hands
from predictions.training.letters.run import (
    SHARES,
    Recipe,
    Trainer,
    answers,
    draw_rows,
    load_run,
    small_recipe,
    train,
)
from predictions.training.letters.ship import ship
from predictions.training.letters.small import SmallNetwork, shrink
from predictions.training.network import count_macs
from predictions.training.packs import PackError
from predictions.training.ship import describe

COPY_KEYWORD = "__array__ implementation doesn't accept"
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{COPY_KEYWORD}:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were:UserWarning"),
]
PLAIN_LAYERS = {
    "Add",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "InputLayer",
    "MaxPooling2D",
    "ReLU",
    "Rescaling",
    "Softmax",
}
TINY = Recipe(epochs=2, batch=8, draws=16, width=2)
SKIN = (220, 170, 140)


def a_hand(letter: int, *, wall: int = 0) -> np.ndarray:
    """A palm before a flat wall, with a finger whose place is the letter."""
    picture = np.full((96, 96, 3), wall, np.uint8)
    cv2.rectangle(picture, (30, 48), (66, 96), SKIN, -1)
    cv2.line(picture, (48, 56), (12 + 3 * letter, 12), SKIN, 9)
    return picture


def write_pack(folder: Path, *, each: int = 2) -> Path:
    """`each` hands a letter of every source: in training, and one of them in validation."""
    columns: dict[str, list[bytes]] = {"label": [], "split": [], "source": []}
    jpegs = []
    for source in SOURCES:
        splits = ["test"] if source == UNSEEN else ["train"] * each + ["val"]
        for letter, name in enumerate(LETTERS):
            for split in splits:
                hand = a_hand(letter, wall=0 if source == "massey" else 200)
                jpegs.append(cv2.imencode(".jpg", hand[..., ::-1])[1].ravel())
                for key, value in zip(columns, (name, split, source), strict=True):
                    columns[key].append(value.encode())
    arrays: dict[str, Any] = {key: np.array(values) for key, values in columns.items()}
    offsets = np.cumsum([0, *(len(jpeg) for jpeg in jpegs)])
    np.savez(folder / "asl.npz", data=np.concatenate(jpegs), offsets=offsets, **arrays)
    return folder


@dataclass(frozen=True)
class TinyRun:
    data: Path
    out: Path
    killed: Path  # the folder as it was after the first of two epochs
    trainer: Trainer


@pytest.fixture(scope="module")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    folder = tmp_path_factory.mktemp("tiny")
    data, out, killed = write_pack(folder), folder / "run", folder / "killed"
    save = Trainer.save

    def save_and_copy(trainer: Trainer, to: Path) -> None:
        save(trainer, to)
        if trainer.epoch == 1:
            shutil.copytree(to, killed)

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.filterwarnings("ignore", COPY_KEYWORD, DeprecationWarning)
        patch.setattr(Trainer, "save", save_and_copy)
        return TinyRun(data, out, killed, train(data, out, TINY))


# The data


def test_a_split_holds_the_rows_of_its_sources(tmp_path: Path) -> None:
    data = write_pack(tmp_path)
    hands, unseen = read_hands(data, "train"), read_hands(data, "test")
    assert (len(hands), len(read_hands(data, "val")), len(unseen)) == (208, 104, 26)
    assert hands.labels[:4].tolist() == [0, 0, 1, 1]
    assert len(hands.of(UNSEEN)) == 0
    assert len(unseen.of(UNSEEN)) == 26
    assert len(hands.without("massey")) == 156
    assert (hands.masks == 255).all()
    red, _, blue = hands.images[0, 80, 48].tolist()
    assert red > blue  # RGB


def test_a_pack_without_sources_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "asl.npz", data=np.zeros(1, np.uint8))
    with pytest.raises(PackError, match="lacks"):
        read_hands(tmp_path, "train")


@pytest.mark.parametrize(
    ("source", "wall"), [("massey", 0), ("hackmit", 200), ("longhongvo", 160), ("keptsecret", 90)]
)
def test_a_hand_is_found_with_its_finger(source: str, wall: int) -> None:
    mask = hand_mask(a_hand(0, wall=wall), source)
    assert mask[80, 48] == 255  # the palm
    assert mask[20, 17] == 255  # the finger
    assert mask[20, 80] == 0


def test_where_no_hand_is_found_the_whole_picture_stays() -> None:
    assert (hand_mask(np.zeros((96, 96, 3), np.uint8), "massey") == 255).all()


def test_each_source_and_each_of_its_letters_is_drawn_in_its_share(tmp_path: Path) -> None:
    hands = read_hands(write_pack(tmp_path), "train")
    rows = draw_rows(hands, 20_000, np.random.default_rng(0))
    for number, source in enumerate(SOURCES[:4]):
        drawn = rows[hands.sources[rows] == number]
        assert len(drawn) / 20_000 == pytest.approx(SHARES[source], abs=0.02)
        letters = np.bincount(hands.labels[drawn], minlength=26) / len(drawn)
        assert letters == pytest.approx(np.full(26, 1 / 26), abs=0.02)


def test_distortion_hangs_on_its_seed_alone(tmp_path: Path) -> None:
    hands = read_hands(write_pack(tmp_path), "train", cut_out=True)
    studio, rows = furnish(hands), np.arange(0, 208, 8)
    assert 0 < len(studio.rooms) <= 156  # none is of black
    first, again, other = (
        augment(hands, rows, studio, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_a_plain_picture_is_at_most_mirrored(tmp_path: Path) -> None:
    hands = read_hands(write_pack(tmp_path), "train")
    rows, studio = np.arange(20), Studio(np.empty((0, 96, 96, 3), np.uint8))
    drawn = augment(hands, rows, studio, np.random.default_rng(0), plain=1.0)
    for image, before in zip(drawn, hands.images[rows], strict=True):
        assert (image == before).all() or (image == before[:, ::-1]).all()


def test_targets_are_smoothed_over_all_letters() -> None:
    (row,) = one_hot(np.array([3]), smoothing=0.26)
    assert row[3] == pytest.approx(0.75)
    assert row[4] == pytest.approx(0.01)


# The networks


def test_the_network_is_as_small_and_as_plain_as_promised() -> None:
    network = build_letters()
    assert network.input_shape == (None, 96, 96, 3)
    assert network.output_shape == (None, 26)
    assert network.count_params() <= 2_000_000
    assert count_macs(network) <= 34_000_000
    assert {type(layer).__name__ for layer in network.layers} <= PLAIN_LAYERS


def test_the_small_network_fits_hardware() -> None:
    network = build_small()
    assert network.input_shape == (None, 32, 32, 1)
    assert network.count_params() <= 60_000
    kinds = {type(layer).__name__ for layer in network.layers}
    assert kinds == {"InputLayer", "Conv2D", "MaxPooling2D", "Flatten", "Dense"}


# The run


def test_a_killed_run_goes_on_to_where_it_would_have_ended(tiny_run: TinyRun) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", COPY_KEYWORD, DeprecationWarning)
        resumed = train(tiny_run.data, tiny_run.killed, TINY, resume=True)
    assert resumed.history == tiny_run.trainer.history
    for mine, theirs in zip(resumed.averages, tiny_run.trainer.averages, strict=True):
        assert mine.numpy() == pytest.approx(theirs.numpy(), abs=1e-6)


def test_a_run_is_not_overwritten_unasked(tiny_run: TinyRun) -> None:
    with pytest.raises(FileExistsError):
        train(tiny_run.data, tiny_run.out, TINY)
    with pytest.raises(ValueError, match="another recipe"):
        train(tiny_run.data, tiny_run.out, replace(TINY, seed=9), resume=True)


def test_a_source_can_be_held_out_and_is_judged_on(tiny_run: TinyRun, tmp_path: Path) -> None:
    trainer = train(tiny_run.data, tmp_path, replace(TINY, epochs=1, held_out="massey"))
    assert set(trainer.history[-1]) == {"loss", "massey", "massey_top3"}
    with pytest.raises(ValueError, match="no source"):
        train(tiny_run.data, tmp_path / "x", replace(TINY, held_out=UNSEEN))


def test_the_small_network_learns_from_the_same_hands(tiny_run: TinyRun, tmp_path: Path) -> None:
    recipe = small_recipe(epochs=1, batch=8, draws=16)
    train(tiny_run.data, tmp_path, recipe)
    facts = ship(tiny_run.data, tmp_path, tmp_path)
    assert facts["tag"] == "letters-small-v1"
    assert facts["input_shape"] == "(None, 32, 32, 1)"
    hands = read_hands(tiny_run.data, "test")
    network, _ = load_run(tmp_path)
    kept = SmallNetwork(tmp_path / "letters-small-v1.tflite").logits(hands.images)
    spread = np.abs(answers(network, hands.images)).max()
    assert np.abs(kept - answers(network, hands.images)).max() < 0.1 * spread + 0.05
    saved = keras.saving.load_model(tmp_path / "letters-small-v1.keras", compile=False)
    whole = np.array(saved(shrink(hands.images[:2]) / np.float32(255)))
    assert whole.sum(axis=1) == pytest.approx(np.ones(2), abs=1e-5)


def test_a_run_becomes_four_files_that_agree(tiny_run: TinyRun, tmp_path: Path) -> None:
    left_out = tmp_path / "left"
    train(tiny_run.data, left_out, replace(TINY, epochs=1, held_out="massey"))
    facts = ship(tiny_run.data, tiny_run.out, tmp_path, others=[tiny_run.out], left_out=[left_out])
    kept = json.loads((tmp_path / "letters-v2.json").read_text())
    assert kept == json.loads(json.dumps(facts))
    assert (kept["task"], kept["classes"]) == ("letters", list(LETTERS))
    assert kept["movement_letters"] == ["J", "Z"]
    for kind in ("keras", "tflite"):
        assert kept["files"][kind] == describe(tmp_path / f"letters-v2.{kind}")
    assert [one["name"] for one in kept["metrics"]["sets"]] == ["validation", "unseen"]
    assert [one["n"] for one in kept["metrics"]["sets"]] == [104, 26]
    assert kept["left_out"][0]["source"] == "massey"
    assert kept["temperature_from"] == "sources held out"
    assert len(kept["metrics"]["seeds"]) == 2
    card = (tmp_path / "letters-v2.md").read_text()
    for words in ("J and Z", "Sources held out", "## Seeds", "t32rahman", "never learnt from"):
        assert words in card
    hands = read_hands(tiny_run.data, "test")
    network, _ = load_run(tiny_run.out)
    served = Classifier(tmp_path / "letters-v2.tflite", temperature=1.0, classes=26)
    logits = answers(network, hands.images[:8])
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert served.probabilities(hands.images[:8]) == pytest.approx(expected, abs=0.05)


def test_a_run_that_held_nothing_out_gives_no_temperature(
    tiny_run: TinyRun, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="held no source out"):
        ship(tiny_run.data, tiny_run.out, tmp_path, left_out=[tiny_run.out])


def test_the_command_names_a_missing_pack(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"asl\.npz"):
        call_command("train_asl", data=tmp_path, out=tmp_path / "run")
    with pytest.raises(CommandError, match="no count"):
        call_command("train_asl", "--data", str(tmp_path), "--epochs", "none")
