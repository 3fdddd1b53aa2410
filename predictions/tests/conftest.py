from collections.abc import Iterator

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from predictions import consents, inference
from predictions.core.reading import Model
from predictions.models import ModelVersion
from predictions.tests.factories import a_version
from predictions.tests.stand_in import ByBrightness
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token


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


@pytest.fixture
def stranger() -> APIClient:
    return APIClient()


@pytest.fixture
def ana() -> User:
    return a_user("ana")


@pytest.fixture
def sesion(ana: User) -> Sesion:
    return a_session(ana, kind=Sesion.Kind.API, at=timezone.now())


@pytest.fixture
def owner(sesion: Sesion) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {a_token(sesion)}"})


@pytest.fixture
def staff() -> APIClient:
    return signed_in(a_user("root", role=User.Role.ADMIN))


def signed_in(user: User) -> APIClient:
    sesion = a_session(user, kind=Sesion.Kind.API, at=timezone.now())
    return APIClient(headers={"Authorization": f"Bearer {a_token(sesion)}"})
