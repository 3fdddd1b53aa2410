"""One user and her programs' way to the API."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token


@pytest.fixture
def ana() -> User:
    return a_user("ana")


@pytest.fixture
def api(ana: User) -> Client:
    sesion = a_session(ana, kind=Sesion.Kind.API, at=timezone.now())
    return Client(headers={"authorization": f"Bearer {a_token(sesion)}"})
