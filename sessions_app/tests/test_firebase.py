import threading
from datetime import datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.db import IntegrityError, OperationalError, connection
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import FirebaseIdentity, User
from accounts.services import disable
from accounts.tests.factories import PASSWORD, a_user
from sessions_app import firebase
from sessions_app.authentication import sesion_of_token
from sessions_app.models import FirebaseLogin, Sesion
from sessions_app.services import SessionEnded
from sessions_app.tests.factories import HERE
from sessions_app.tests.google import ME, PROJECT, KeyServer, an_id_token, by, outcome, read
from sessions_app.tokens import BadToken

pytestmark = pytest.mark.django_db
LINK = "/api/v1/auth/firebase/link"


def test_a_first_use_makes_an_account_and_a_session(google: KeyServer, key: RSAPrivateKey) -> None:
    text = an_id_token(key)
    body = by(text).get(ME, headers={"User-Agent": "A phone"}).json()
    assert (body["username"], body["email"], body["nombre"]) == ("Ana", "ana@example.org", "Ana")
    user = User.objects.get()
    assert not user.has_usable_password()
    sesion = Sesion.objects.get()
    assert (sesion.kind, sesion.user, sesion.user_agent) == ("firebase", user, "A phone")
    verified = by(text).get("/api/v1/auth/verify").json()
    assert (verified["session_id"], verified["username"]) == (sesion.pk, "Ana")
    assert google.asked == 1


def test_all_tokens_of_one_sign_in_are_one_session(google: KeyServer, key: RSAPrivateKey) -> None:
    now = int(timezone.now().timestamp())
    for claims in ({"auth_time": now - 9, "exp": now + 60}, {"auth_time": now - 9}):
        assert outcome(an_id_token(key, dict(claims))) == (200, "")
    assert outcome(an_id_token(key, {"auth_time": now - 5})) == (200, "")
    assert Sesion.objects.count() == 2
    assert User.objects.count() == 1


def test_an_ended_sign_in_stays_out_until_a_newer_one(
    google: KeyServer, key: RSAPrivateKey
) -> None:
    now = int(timezone.now().timestamp())
    text = an_id_token(key, {"auth_time": now - 9})
    assert outcome(text) == (200, "")
    for _twice in range(2):
        assert by(text).post("/logout").json() == {"success": True}
    assert outcome(text) == (401, "session_ended")
    assert outcome(an_id_token(key, {"auth_time": now - 10})) == (401, "session_ended")
    assert outcome(an_id_token(key, {"auth_time": now - 8})) == (200, "")


def test_an_erased_account_does_not_come_back_with_its_token(
    google: KeyServer, key: RSAPrivateKey
) -> None:
    text = an_id_token(key)
    assert by(text).delete("/api/v1/account").status_code == 204
    assert outcome(text) == (401, "session_ended")
    assert not User.objects.exists()
    assert not FirebaseIdentity.objects.exists()


def test_no_account_is_found_by_e_mail(google: KeyServer, key: RSAPrivateKey) -> None:
    ana = a_user("ana", email="ana@example.org")
    body = by(an_id_token(key)).get(ME).json()
    assert body["id"] != ana.pk
    assert (body["username"], body["email"]) == ("Ana1", None)


def test_an_e_mail_that_firebase_has_not_verified_is_not_taken(
    google: KeyServer, key: RSAPrivateKey
) -> None:
    for number, claim in enumerate((False, "true", None)):
        claims: dict[str, object] = {"sub": f"uid{number}", "email_verified": claim, "name": None}
        assert by(an_id_token(key, claims)).get(ME).json()["email"] is None


@pytest.mark.parametrize("mode", ["invite", "closed"])
def test_where_not_everyone_may_register_an_identity_is_linked_first(
    google: KeyServer, key: RSAPrivateKey, settings: Settings, mode: str
) -> None:
    settings.REGISTRATION = mode
    text = an_id_token(key)
    assert outcome(text) == (401, "unknown_identity")
    assert not User.objects.exists()
    a_user("ana")
    login = APIClient().post("/login", {"username": "ana", "password": PASSWORD}).json()
    for _twice in range(2):
        answer = by(login["access_token"]).post(LINK, {"id_token": text})
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert by(text).get(ME).json()["username"] == "ana"
    a_user("bea")
    other = APIClient().post("/login", {"username": "bea", "password": PASSWORD}).json()
    answer = by(other["access_token"]).post(LINK, {"id_token": text})
    assert (answer.status_code, answer.json()["code"]) == (409, "linked_elsewhere")


def test_linking_needs_a_login_and_a_good_token(
    google: KeyServer, key: RSAPrivateKey, settings: Settings
) -> None:
    assert APIClient().post(LINK, {"id_token": an_id_token(key)}).status_code == 401
    a_user("ana")
    login = APIClient().post("/login", {"username": "ana", "password": PASSWORD}).json()
    ana = by(login["access_token"])
    assert ana.post(LINK, {"id_token": "nonsense"}).status_code == 401
    assert ana.post(LINK, {"id_token": login["access_token"]}).status_code == 401
    assert ana.post(LINK, {}).status_code == 400
    settings.FIREBASE_PROJECT_ID = None
    assert ana.post(LINK, {"id_token": an_id_token(key)}).status_code == 404


def test_a_disabled_account_does_not_come_in(google: KeyServer, key: RSAPrivateKey) -> None:
    now = int(timezone.now().timestamp())
    text = an_id_token(key, {"auth_time": now - 9})
    assert outcome(text) == (200, "")
    disable(User.objects.get())
    assert outcome(text) == (401, "session_ended")
    assert outcome(an_id_token(key, {"auth_time": now - 5})) == (401, "account_disabled")


NOW = int(datetime.now().timestamp())  # noqa: DTZ005


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-project"},
        {"aud": [PROJECT]},
        {"aud": None},
        {"iss": "https://securetoken.google.com/another-project"},
        {"iss": ""},
        {"exp": NOW - 1},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1e12},
        {"iat": NOW + 3600},
        {"iat": None},
        {"auth_time": NOW + 3600},
        {"auth_time": None},
        {"auth_time": True},
        {"auth_time": -1},
        {"sub": ""},
        {"sub": None},
        {"sub": 7},
        {"sub": "x" * 129},
    ],
    # Not by the values: they hold the time, which differs in each process of a run.
    ids=lambda claims: next(iter(claims)),
)
def test_a_well_signed_token_with_wrong_claims_is_refused(
    google: KeyServer, key: RSAPrivateKey, claims: dict[str, object]
) -> None:
    read(an_id_token(key))
    with pytest.raises(BadToken):
        read(an_id_token(key, claims))


def test_clocks_may_differ_by_a_minute(google: KeyServer, key: RSAPrivateKey) -> None:
    now = int(timezone.now().timestamp())
    read(an_id_token(key, {"iat": now + 50, "auth_time": now + 50}))


def test_only_firebases_signature_counts(
    google: KeyServer, key: RSAPrivateKey, other_key: RSAPrivateKey
) -> None:
    claims = jwt.decode(an_id_token(key), options={"verify_signature": False})
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header, payload, _signature = an_id_token(key).split(".")
    for text in (
        an_id_token(other_key),
        an_id_token(key)[:-6] + "AAAAAA",
        jwt.encode(claims, key, algorithm="RS512", headers={"kid": "one"}),
        jwt.encode(claims, "", algorithm="none", headers={"kid": "one"}),
        jwt.encode(claims, public.hex(), algorithm="HS256", headers={"kid": "one"}),
        f"{header}.{payload}.",
        jwt.encode(claims, key, algorithm="RS256"),
        "a.b.c",
        "",
    ):
        with pytest.raises(BadToken):
            read(text)
        assert outcome(text) == (401, "bad_token")


def test_without_a_project_no_firebase_token_counts(
    google: KeyServer, key: RSAPrivateKey, settings: Settings
) -> None:
    settings.FIREBASE_PROJECT_ID = None
    assert outcome(an_id_token(key)) == (401, "bad_token")
    with pytest.raises(BadToken):
        read(an_id_token(key))
    assert google.asked == 0


def test_two_accounts_of_one_name_can_begin_at_once(
    google: KeyServer, key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_user("Ana")
    names = iter(["Ana", "Ana2"])
    monkeypatch.setattr(firebase, "free_username", lambda wanted: next(names))
    assert by(an_id_token(key)).get(ME).json()["username"] == "Ana2"


def test_what_keeps_colliding_is_not_tried_for_ever(
    google: KeyServer, key: RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_user("Ana")
    monkeypatch.setattr(firebase, "free_username", lambda wanted: "Ana")
    with pytest.raises(IntegrityError):
        by(an_id_token(key)).get(ME)


@pytest.mark.parametrize(
    ("fault", "outcomes"),
    [
        (OperationalError(1213, "Deadlock found"), [200, 200]),
        (OperationalError("database is locked"), [500, 200]),
    ],
    ids=["a deadlock", "another fault"],
)
def test_a_deadlock_of_two_first_uses_is_tried_again_and_no_other_fault(
    google: KeyServer,
    key: RSAPrivateKey,
    monkeypatch: pytest.MonkeyPatch,
    fault: OperationalError,
    outcomes: list[int],
) -> None:
    begin, faults = firebase._first_use, [fault]

    def first_use(*token: Any, **more: Any) -> FirebaseLogin:
        if faults:
            raise faults.pop()
        return begin(*token, **more)

    monkeypatch.setattr(firebase, "_first_use", first_use)
    client = by(an_id_token(key))
    client.raise_request_exception = False
    assert [client.get(ME).status_code for _time in range(2)] == outcomes
    assert FirebaseLogin.objects.count() == 1


def test_a_sign_in_has_a_name_without_its_person(google: KeyServer, key: RSAPrivateKey) -> None:
    outcome(an_id_token(key))
    assert "uid-of-ana" not in str(FirebaseLogin.objects.get())


@pytest.mark.django_db(transaction=True)
def test_parallel_first_uses_make_one_session(google: KeyServer, key: RSAPrivateKey) -> None:
    text, found = an_id_token(key), []
    start = threading.Barrier(6)

    def attempt() -> None:
        start.wait()
        try:
            sesion, _until = sesion_of_token(text, at=timezone.now(), client=HERE)
            found.append(sesion.pk)
        except SessionEnded:
            found.append(0)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Sesion.objects.get().pk] * 6
    assert User.objects.count() == 1
    assert google.asked == 1
