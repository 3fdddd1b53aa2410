import numpy as np
import pytest
from numpy.typing import NDArray

from predictions.core.samples import Untrustworthy, check_answers, sample_faces
from predictions.tests.pictures import COLLINS

SHARES = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])


def served(shares: NDArray[np.float64] = SHARES) -> NDArray[np.float32]:
    return shares.astype(np.float32)


def test_samples_are_faces_as_they_are_and_spoilt() -> None:
    faces = sample_faces([COLLINS])
    assert faces.shape == (4 + 2 + 8, 96, 96, 3)
    assert (faces[0] == 0).all()
    assert (faces[5] == faces[4][:, ::-1]).all()


def test_probabilities_and_logits_that_agree_are_trusted() -> None:
    check_answers(SHARES, served())
    check_answers(np.log(SHARES) + 5, served())


@pytest.mark.parametrize(
    ("raw", "answers", "words"),
    [
        (np.full((2, 3), np.nan), served(), "not finite"),
        (np.array([[0.9, 0.9, 0.1], [0.1, 0.2, 0.3]]), served(), "softmax"),
        (SHARES[[0, 0]], served(SHARES[[0, 0]]), "the same answer"),
        (SHARES[::-1], served(), "otherwise than in Keras"),
    ],
)
def test_answers_that_cannot_be_right_are_refused(
    raw: NDArray[np.float64], answers: NDArray[np.float32], words: str
) -> None:
    with pytest.raises(Untrustworthy, match=words):
        check_answers(raw, answers)
