import pytest
from pytest_django.fixtures import Settings

from sessions_app.origins import Scope, Trust, trust_of

COOKIE, PLAIN, REFUSED = Trust.WITH_COOKIE, Trust.WITHOUT_COOKIE, Trust.REFUSED


@pytest.fixture(autouse=True)
def _served(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["visionai.test", "[::1]"]
    settings.CORS_ALLOWED_ORIGINS = ["https://partner.test"]
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]


def a_scope(*origins: str, host: str = "visionai.test", scheme: str = "ws", **more: str) -> Scope:
    headers = [(b"host", host.encode()), *((b"origin", one.encode()) for one in origins)]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    return {"headers": headers, "scheme": scheme, "client": ("10.1.2.3", 99)}


@pytest.mark.parametrize(
    ("scope", "trust"),
    [
        (a_scope(), PLAIN),
        (a_scope("http://visionai.test"), COOKIE),
        (a_scope("http://visionai.test:80"), COOKIE),
        (a_scope("HTTP://VisionAI.test"), COOKIE),
        (a_scope("http://visionai.test:8000", host="visionai.test:8000"), COOKIE),
        (a_scope("http://[::1]:8000", host="[::1]:8000"), COOKIE),
        (a_scope("https://visionai.test"), REFUSED),
        (a_scope("https://visionai.test", scheme="wss"), COOKIE),
        (a_scope("https://visionai.test", x_forwarded_proto="https"), COOKIE),
        (a_scope("http://visionai.test", x_forwarded_proto="https"), REFUSED),
        (a_scope("http://visionai.test:8001", host="visionai.test:8000"), REFUSED),
        (a_scope("http://visionai.test.evil.test"), REFUSED),
        (a_scope("http://user@visionai.test"), REFUSED),
        (a_scope("http://visionai.test/path"), REFUSED),
        (a_scope("http://visionai.test", "http://evil.test"), REFUSED),
        (a_scope("https://partner.test"), PLAIN),
        (a_scope("http://partner.test"), REFUSED),
        (a_scope("http://localhost:3000"), PLAIN),
        (a_scope("http://127.0.0.1:5500"), PLAIN),
        (a_scope("http://localhost.evil.test"), REFUSED),
        (a_scope("http://visionai.test:99999"), REFUSED),
        (a_scope("file://"), REFUSED),
        (a_scope(""), REFUSED),
        (a_scope(host="evil.test"), REFUSED),
        (a_scope(host=""), REFUSED),
        (a_scope("http://evil.test", host="evil.test"), REFUSED),
    ],
)
def test_an_origin_decides_who_is_served_and_how(scope: Scope, trust: Trust) -> None:
    assert trust_of(scope) is trust


def test_a_forwarded_scheme_is_believed_from_our_proxy_alone(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = []
    scope = a_scope("https://visionai.test", x_forwarded_proto="https")
    assert trust_of(scope) is REFUSED


@pytest.mark.parametrize(("development", "trust"), [(True, PLAIN), (False, REFUSED)])
def test_a_page_from_disk_is_served_in_development(
    settings: Settings, development: bool, trust: Trust
) -> None:
    settings.NULL_ORIGIN_SERVED = development
    assert trust_of(a_scope("null")) is trust
