import threading
import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from pytest_django import Settings

from sessions_app import firebase_keys, services
from sessions_app.tests.google import PROJECT, KeyServer, a_certificate


@pytest.fixture(autouse=True)
def _nothing_noted() -> Iterator[None]:
    """Ids repeat from test to test, so activity must not outlive one."""
    yield
    services._noted.clear()
    services._recent.clear()


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def other_key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the cache of keys takes for the time, in seconds."""
    now = [time.monotonic()]
    monkeypatch.setattr("sessions_app.firebase_keys.monotonic", lambda: now[0])
    return now


@pytest.fixture
def google(key: RSAPrivateKey, settings: Settings) -> Iterator[KeyServer]:
    with KeyServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        server.publish(one=a_certificate(key))
        settings.FIREBASE_PROJECT_ID = PROJECT
        settings.FIREBASE_KEYS_URL = server.url
        settings.REGISTRATION = "open"
        firebase_keys.firebase_keys.forget()
        yield server
        server.shutdown()
        thread.join()
