from collections.abc import Iterator

import pytest

from predictions import inference
from predictions.core.labels import EMOTIONS
from predictions.core.reading import Prediction, Request
from predictions.models import ModelVersion
from predictions.tests.factories import a_version
from predictions.tests.pictures import COLLINS, FACES, HOPPER
from predictions.tests.stand_in import ByBrightness
from predictions.versions import active_version

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    inference.stop()


def test_the_shipped_version_is_active_and_reads_both_portraits() -> None:
    version = active_version()
    assert version is not None
    assert version.folder == ModelVersion.Folder.SHIPPED
    engine = inference.engine()
    for path in (COLLINS, HOPPER):
        answer = engine.predict_blocking(Request(path.read_bytes(), engine.clock()))
        assert isinstance(answer, Prediction)
        (face,) = answer.faces
        assert face.box.overlap(FACES[path]) > 0.6
        assert face.probabilities.sum() == pytest.approx(1, abs=1e-4)
        assert answer.version == version.pk
        if path == COLLINS:
            assert EMOTIONS[int(face.probabilities.argmax())] == "happy"


def test_a_file_that_is_not_the_registered_one_is_not_run(caplog: pytest.LogCaptureFixture) -> None:
    ModelVersion.objects.filter(active=True).update(sha256="0" * 64)
    assert inference.engine().model is None
    assert "cannot be loaded" in caplog.text


def test_a_version_that_cannot_be_loaded_leaves_the_old_one_at_work(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = inference.engine().model
    assert before is not None
    a_version("broken")
    inference.swap()
    assert inference.engine().model is before


def test_nothing_is_swapped_before_the_engine_is_needed(stand_in: ByBrightness) -> None:
    inference.stop()
    inference.swap()
    assert inference.running_engine() is None
