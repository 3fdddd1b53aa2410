from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django import Settings

from sessions_app.models import Sesion
from sessions_app.tests.factories import NOON, a_session
from sessions_app.tokens import (
    BadToken,
    TokenPair,
    issue_tokens,
    read_access_token,
    read_refresh_token,
)

API = Sesion.Kind.API
SECOND = timedelta(seconds=1)


def a_pair(**fields: Any) -> tuple[Sesion, TokenPair]:
    sesion = a_session(kind=API)
    return sesion, issue_tokens(sesion, at=NOON, **fields)


def signed(
    claims: dict[str, object] | None = None, *, key: str = "", algorithm: str = "HS256"
) -> str:
    good: dict[str, object] = {"token_type": "access", "user_id": 1, "sid": 1, "gen": 0, "jti": "a"}
    good["exp"] = int((NOON + SECOND).timestamp())
    return jwt.encode(good | (claims or {}), key or settings.JWT_SECRET_KEY, algorithm=algorithm)


@pytest.mark.django_db
def test_an_access_token_names_its_user_and_session() -> None:
    sesion, pair = a_pair()
    token = read_access_token(pair.access, at=NOON)
    assert (token.user_id, token.sesion_id) == (sesion.user_id, sesion.pk)
    assert token.expires_at == NOON + timedelta(hours=24)
    assert pair.expires_in == 24 * 3600
    assert pair.sesion_id == sesion.pk
    claims = jwt.decode(pair.access, options={"verify_signature": False})
    assert set(claims) == {"token_type", "user_id", "sid", "gen", "jti", "iat", "exp"}


@pytest.mark.django_db
def test_a_refresh_token_counts_its_generation() -> None:
    sesion, pair = a_pair(generation=3)
    token = read_refresh_token(pair.refresh, at=NOON)
    assert (token.user_id, token.sesion_id, token.generation) == (sesion.user_id, sesion.pk, 3)


@pytest.mark.django_db
def test_the_same_issue_gives_the_same_pair_and_another_one_another() -> None:
    sesion, pair = a_pair()
    assert issue_tokens(sesion, at=NOON) == pair
    assert issue_tokens(sesion, at=NOON, generation=1).access != pair.access
    assert pair.access != pair.refresh


@pytest.mark.django_db
def test_no_token_outlives_the_last_second_of_its_session(settings: Settings) -> None:
    settings.API_SESSION_LIMIT = timedelta(minutes=10)
    sesion = a_session(kind=API)
    late = NOON + timedelta(minutes=7, microseconds=5)
    pair = issue_tokens(sesion, at=late)
    assert pair.expires_in == 179  # and what is left of the next second
    read_access_token(pair.access, at=NOON + timedelta(minutes=10) - SECOND)
    for read, text in ((read_access_token, pair.access), (read_refresh_token, pair.refresh)):
        with pytest.raises(BadToken):
            read(text, at=NOON + timedelta(minutes=10))


@pytest.mark.django_db
def test_the_tokens_of_a_login_within_a_second_last_as_long_as_its_session(
    settings: Settings,
) -> None:
    settings.API_SESSION_LIMIT = timedelta(minutes=10)
    start = NOON + timedelta(milliseconds=900)
    pair = issue_tokens(a_session(kind=API, at=start), at=start)
    assert pair.expires_in == 600
    last = start + timedelta(minutes=10, microseconds=-1)
    read_access_token(pair.access, at=last)
    read_refresh_token(pair.refresh, at=last)


@pytest.mark.django_db
def test_one_kind_of_token_does_not_pass_for_the_other() -> None:
    _sesion, pair = a_pair()
    with pytest.raises(BadToken):
        read_access_token(pair.refresh, at=NOON)
    with pytest.raises(BadToken):
        read_refresh_token(pair.access, at=NOON)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(NOON.timestamp())},
        {"exp": None},
        {"exp": "tomorrow"},
        {"sid": "1"},
        {"sid": True},
        {"sid": -1},
        {"sid": 2**63},
        {"user_id": None},
        {"gen": 0.5},
        {"jti": None},
        {"jti": 7},
        {"token_type": None},
        {"token_type": ["access"]},
    ],
    ids=str,
)
def test_a_well_signed_token_with_odd_claims_is_refused(claims: dict[str, object]) -> None:
    read_access_token(signed(), at=NOON)
    with pytest.raises(BadToken):
        read_access_token(signed(claims), at=NOON)


def test_a_token_of_an_original_with_our_key_is_refused() -> None:
    text = jwt.encode({"sub": "ana", "exp": 2**40}, settings.JWT_SECRET_KEY, algorithm="HS256")
    with pytest.raises(BadToken):
        read_access_token(text, at=NOON)


def test_a_foreign_key_or_algorithm_is_refused() -> None:
    for text in (
        signed(key="another key, long enough for HMAC"),
        signed(key=settings.JWT_SECRET_KEY * 2, algorithm="HS512"),
        jwt.encode({"sid": 1}, "", algorithm="none"),
    ):
        with pytest.raises(BadToken) as refusal:
            read_access_token(text, at=NOON)
        assert refusal.value.status == 401
        assert refusal.value.sentence()


@given(st.text(max_size=300))
@example("a.b.c")
@example("\ud800")
@example("eyJhbGciOiJIUzI1NiJ9..")
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(BadToken):
        read_access_token(text, at=NOON)


@given(st.data())
def test_a_token_changed_anywhere_is_refused(data: st.DataObject) -> None:
    text = signed()
    place = data.draw(st.integers(0, len(text) - 2))  # the last letter has bits that do not count
    letter = data.draw(st.sampled_from("Aa0-_.").filter(lambda other: other != text[place]))
    with pytest.raises(BadToken):
        read_access_token(text[:place] + letter + text[place + 1 :], at=NOON)
