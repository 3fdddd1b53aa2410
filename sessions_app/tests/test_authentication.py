from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from sessions_app.authentication import (
    BearerAuthentication,
    SesionAuthentication,
    sesion_of_token,
)
from sessions_app.models import Sesion
from sessions_app.services import SessionEnded, end_session, flush_activity
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tokens import BadToken, issue_tokens

pytestmark = pytest.mark.django_db


def an_api_session() -> tuple[Sesion, str]:
    now = timezone.now()
    sesion = a_session(kind=Sesion.Kind.API, at=now - timedelta(hours=1))
    return sesion, issue_tokens(sesion, at=now - timedelta(hours=1)).access


def a_request(
    method: str = "get", *, bearer: str | None = None, sesion: Sesion | None = None
) -> Request:
    headers = {} if bearer is None else {"Authorization": bearer}
    plain = getattr(APIRequestFactory(enforce_csrf_checks=True), method)("/", headers=headers)
    plain.user = sesion.user if sesion else AnonymousUser()
    plain.sesion, plain.sesion_ended = sesion, None
    return Request(plain)


@pytest.mark.parametrize("scheme", ["Bearer {}", "bearer  {}", " BEARER {} "])
def test_a_good_token_is_its_user_and_session(scheme: str) -> None:
    sesion, text = an_api_session()
    for way in (BearerAuthentication(), SesionAuthentication()):
        found = way.authenticate(a_request(bearer=scheme.format(text)))
        assert found == (sesion.user, sesion)


def test_a_request_counts_as_activity() -> None:
    sesion, text = an_api_session()
    BearerAuthentication().authenticate(a_request(bearer=f"Bearer {text}"))
    flush_activity()
    before = sesion.last_seen
    sesion.refresh_from_db()
    assert sesion.last_seen > before


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer nonsense", "Bearer a b"])
def test_a_bad_token_is_an_error_even_beside_a_good_cookie(header: str) -> None:
    cookie = a_session(at=timezone.now())
    with pytest.raises(BadToken):
        SesionAuthentication().authenticate(a_request(bearer=header, sesion=cookie))


def test_the_token_of_an_ended_session_is_refused() -> None:
    sesion, text = an_api_session()
    end_session(sesion, reason=Sesion.EndReason.LOGOUT, at=timezone.now())
    with pytest.raises(SessionEnded):
        sesion_of_token(text, at=timezone.now())


def test_a_token_of_another_user_than_its_session_is_refused() -> None:
    _sesion, text = an_api_session()
    Sesion.objects.update(user=a_user())
    with pytest.raises(BadToken):
        sesion_of_token(text, at=timezone.now())


def test_nothing_given_is_anonymous_and_so_is_another_scheme() -> None:
    for header in (None, "Basic YTpi", ""):
        assert SesionAuthentication().authenticate(a_request(bearer=header)) is None


def test_the_cookie_counts_only_where_it_is_meant_to() -> None:
    sesion = a_session(at=timezone.now())
    request = a_request(sesion=sesion)
    assert SesionAuthentication().authenticate(request) == (sesion.user, sesion)
    assert BearerAuthentication().authenticate(request) is None


def test_a_change_by_cookie_needs_the_csrf_token() -> None:
    with pytest.raises(PermissionDenied):
        SesionAuthentication().authenticate(a_request("post", sesion=a_session(at=timezone.now())))


def test_the_cookie_of_an_ended_session_is_an_error() -> None:
    request = a_request()
    vars(request._request)["sesion_ended"] = SessionEnded(session=1)
    with pytest.raises(SessionEnded):
        SesionAuthentication().authenticate(request)
