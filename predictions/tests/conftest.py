from collections.abc import Iterator

import pytest

from predictions import consents, inference
from predictions.core.reading import Model
from predictions.models import ModelVersion
from predictions.tests.factories import a_version
from predictions.tests.stand_in import ByBrightness


@pytest.fixture
def stand_in(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[ByBrightness]:
    """The process's engine with a classifier that needs no file: bright is happy, dark is sad."""
    classifier = ByBrightness()

    def load(version: ModelVersion) -> Model:
        return Model(
            classifier, version.version_tag, version.crop_margin, version.pk, version.calibrated
        )

    monkeypatch.setattr(inference, "load_model", load)
    a_version("test-1")
    inference.engine()
    yield classifier
    classifier.gate.set()
    inference.stop()


@pytest.fixture(autouse=True)
def _no_known_consents() -> None:
    """User ids start anew in each test, so what a process remembers of them must go."""
    consents._known.clear()
