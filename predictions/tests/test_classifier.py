import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from predictions.core.classifier import Classifier, ModelUnfit, soften
from predictions.core.labels import EMOTIONS
from predictions.core.report import find_set
from predictions.training.card import card

SHIPPED = Path(__file__).parents[1] / "ml_models"
FACTS: dict[str, Any] = json.loads((SHIPPED / "emotions-v2.json").read_text())


def faces(n: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (n, 96, 96, 3), dtype=np.uint8)


def shipped(
    temperature: float = FACTS["temperature"], bias: list[float] | None = None
) -> Classifier:
    path = SHIPPED / FACTS["files"]["tflite"]["name"]
    return Classifier(path, temperature=temperature, bias=bias)


def test_the_shipped_files_are_those_of_the_card() -> None:
    for file in FACTS["files"].values():
        content = (SHIPPED / file["name"]).read_bytes()
        assert len(content) == file["bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]


def test_the_card_keeps_what_was_promised_of_the_network() -> None:
    assert FACTS["tag"] == "v2.0.0"
    assert FACTS["input_shape"] == "(None, 96, 96, 3)"
    assert tuple(FACTS["classes"]) == EMOTIONS
    assert 2_500_000 <= FACTS["total_params"] <= 3_500_000
    assert FACTS["macs"] <= 20_000_000
    precision = FACTS["metrics"]["precision"]
    first = FACTS["metrics"]["sets"][0]
    assert precision[FACTS["precision"]]["accuracy"] == first["accuracy"]
    lost = precision["fp32"]["accuracy"] - precision["int8"]["accuracy"]
    assert (FACTS["precision"] == "int8") == (lost <= 0.005)


@pytest.mark.parametrize("name", ["strict", "every", "press"])
def test_the_figures_of_the_card_follow_from_its_confusion_matrix(name: str) -> None:
    scores = find_set(FACTS["metrics"], name)
    assert scores is not None
    matrix = np.array(scores["confusion"])
    assert matrix.sum() == scores["n"]
    assert scores["accuracy"] == pytest.approx(np.trace(matrix) / scores["n"], abs=1e-6)
    assert [one["n"] for one in scores["per_class"].values()] == matrix.sum(axis=1).tolist()
    for emotion, count, found in zip(EMOTIONS, matrix.sum(axis=1), np.diag(matrix), strict=True):
        recall = scores["per_class"][emotion]["recall"]
        assert recall == pytest.approx(found / count, abs=1e-6)


def test_the_card_is_written_from_the_facts_beside_it() -> None:
    path = (SHIPPED / FACTS["files"]["tflite"]["name"]).with_suffix(".md")
    assert path.read_text() == card(FACTS)


def test_answers_are_distributions_over_the_seven_emotions() -> None:
    answers = shipped().probabilities(faces(5))
    assert answers.shape == (5, 7)
    assert answers.dtype == np.float32
    assert answers.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_a_face_gets_the_same_answer_alone_and_among_others() -> None:
    classifier = shipped()
    together = classifier.probabilities(faces(7))
    for place in range(7):
        alone = classifier.probabilities(faces(7)[place : place + 1])
        assert alone[0] == pytest.approx(together[place], abs=1e-6)


def test_no_face_gets_no_answer() -> None:
    assert shipped().probabilities(faces(0)).shape == (0, 7)


def test_a_higher_temperature_is_less_sure_of_the_same_answer() -> None:
    cold, hot = (shipped(temperature).probabilities(faces(6)) for temperature in (1.0, 3.0))
    assert (cold.argmax(axis=1) == hot.argmax(axis=1)).all()
    assert (cold.max(axis=1) > hot.max(axis=1)).all()


def test_softening_divides_the_logits() -> None:
    # exp(log 9 / 2) = 3, so 3 to 1
    logits = np.array([[np.log(9), 0]], np.float32)
    assert soften(logits, np.float32(2))[0] == pytest.approx([0.75, 0.25])
    assert logits[0, 0] == np.float32(np.log(9))


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 48, 48, 3), np.uint8),
        np.zeros((96, 96, 3), np.uint8),
        np.zeros((1, 96, 96, 3), np.float32),
    ],
)
def test_other_shapes_and_types_of_faces_are_refused(wrong: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="96, 96, 3"):
        shipped().probabilities(wrong)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_must_be_finite_and_above_nought(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        shipped(temperature)


def test_a_bias_is_added_to_the_logits_before_the_temperature() -> None:
    plain = shipped(2.0).probabilities(faces(4))
    biased = shipped(2.0, [0, 3, 0, 0, 0, 0, 0]).probabilities(faces(4))
    # The odds of disgust against fear grow by exp(3 / 2).
    grown = (biased[:, 1] / biased[:, 2]) / (plain[:, 1] / plain[:, 2])
    assert grown == pytest.approx(np.full(4, np.exp(1.5)), rel=1e-3)


@pytest.mark.parametrize("bias", [[0.0] * 6, [float("nan")] * 7])
def test_a_bias_has_one_finite_number_a_class(bias: list[float]) -> None:
    with pytest.raises(ValueError, match="bias"):
        shipped(bias=bias)


@pytest.mark.parametrize(
    "content", [b"", b"no network at all", b"\x1c\x00\x00\x00TFL3" + b"\0" * 64]
)
def test_a_file_that_is_no_network_is_unfit(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "upload.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelUnfit):
        Classifier(path, temperature=1.0)


def test_a_missing_file_is_unfit(tmp_path: Path) -> None:
    with pytest.raises(ModelUnfit, match="gone"):
        Classifier(tmp_path / "gone.tflite", temperature=1.0)


def test_a_classifier_works_without_tensorflow() -> None:
    program = (
        "import sys; from pathlib import Path; import numpy as np;"
        "from predictions.core.classifier import Classifier;"
        f"c = Classifier(Path({str(SHIPPED / 'emotions-v2.tflite')!r}), temperature=1.0);"
        "c.probabilities(np.zeros((1, 96, 96, 3), np.uint8));"
        "assert not {'tensorflow', 'keras', 'django'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=SHIPPED.parents[1])
