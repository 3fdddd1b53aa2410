"""Google's keys: kept, renewed, withdrawn and out of reach."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pytest_django import Settings

from sessions_app.firebase_keys import KeysUnavailable
from sessions_app.tests.google import ME, KeyServer, a_certificate, an_id_token, by, outcome, read
from sessions_app.tokens import BadToken

pytestmark = pytest.mark.django_db


def test_keys_are_kept_as_long_as_their_answer_says(
    google: KeyServer, key: RSAPrivateKey, clock: list[float]
) -> None:
    google.headers["Age"] = "600"
    read(an_id_token(key))
    clock[0] += 2999
    read(an_id_token(key))
    assert google.asked == 1
    clock[0] += 1
    read(an_id_token(key))
    assert google.asked == 2
    google.headers = {}
    clock[0] += 3600
    read(an_id_token(key))
    clock[0] += 299
    read(an_id_token(key))
    assert google.asked == 3


def test_a_new_key_is_fetched_but_at_most_once_a_minute(
    google: KeyServer, key: RSAPrivateKey, other_key: RSAPrivateKey, clock: list[float]
) -> None:
    read(an_id_token(key))
    for _time in range(5):
        with pytest.raises(BadToken):
            read(an_id_token(other_key, kid="two"))
    assert google.asked == 1
    google.publish(one=a_certificate(key), two=a_certificate(other_key))
    clock[0] += 60
    read(an_id_token(other_key, kid="two"))
    with pytest.raises(BadToken):
        read(an_id_token(other_key, kid="three"))
    assert google.asked == 2


def test_a_withdrawn_key_stops_working(
    google: KeyServer, key: RSAPrivateKey, other_key: RSAPrivateKey, clock: list[float]
) -> None:
    read(an_id_token(key))
    google.publish(two=a_certificate(other_key))
    clock[0] += 3600
    with pytest.raises(BadToken):
        read(an_id_token(key))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (204, b""),
        (302, b"{}"),
        (200, b"{}"),
        (200, b"[]"),
        (200, b"nonsense"),
        (200, b'{"one": "nonsense"}'),
        (200, b'{"one": null}'),
        (200, b" " * (2**20 + 1)),
    ],
    ids=["500", "204", "302", "empty", "list", "no-json", "no-certificate", "null", "too-large"],
)
def test_keys_that_cannot_be_had_are_503_and_never_acceptance(
    google: KeyServer, key: RSAPrivateKey, clock: list[float], status: int, body: bytes
) -> None:
    text, good = an_id_token(key), google.body
    assert outcome(text) == (200, "")
    clock[0] += 3600
    google.status, google.body = status, body
    answer = by(text).get(ME)
    assert (answer.status_code, answer.json()["code"]) == (503, "firebase_unavailable")
    assert answer.headers["Retry-After"] == "5"
    google.status, google.body = 200, good
    clock[0] += 4.9
    assert outcome(text) == (503, "firebase_unavailable")
    assert google.asked == 2
    clock[0] += 0.2
    assert outcome(text) == (200, "")


def test_a_key_that_is_not_rsa_is_refused(google: KeyServer, key: RSAPrivateKey) -> None:
    google.publish(one=a_certificate(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(KeysUnavailable):
        read(an_id_token(key))


def test_nobody_at_the_other_end_is_503(
    google: KeyServer, key: RSAPrivateKey, settings: Settings
) -> None:
    settings.FIREBASE_KEYS_URL = "http://127.0.0.1:1/keys"
    assert outcome(an_id_token(key)) == (503, "firebase_unavailable")
