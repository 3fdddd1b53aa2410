from datetime import timedelta
from typing import Any, cast

import pytest
from django.contrib import messages
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import path
from django.utils import timezone

from accounts.models import User
from sessions_app import services
from sessions_app.browser import sesion_of, sign_in_browser, sign_out_browser
from sessions_app.models import Sesion
from sessions_app.services import end_session
from sessions_app.tests.factories import a_session, a_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
Reason = Sesion.EndReason


def sign_in(request: HttpRequest) -> JsonResponse:
    user = User.objects.get(username=request.GET["as"])
    return JsonResponse({"sesion": sign_in_browser(request, user).pk})


def sign_out(request: HttpRequest) -> HttpResponse:
    sign_out_browser(request)
    return HttpResponse(status=204)


def who(request: HttpRequest) -> JsonResponse:
    bound = cast("Any", request)
    facts = {
        "user": request.user.get_username(),
        "sesion": bound.sesion and sesion_of(request).pk,
        "refused": bound.sesion_ended and bound.sesion_ended.facts["reason"],
        "said": [str(one) for one in messages.get_messages(request)],
    }
    return JsonResponse(facts)


urlpatterns = [path("in/", sign_in), path("out/", sign_out), path("who/", who)]


@pytest.fixture
def ana() -> User:
    return a_user("ana")


def seen(client: Client) -> dict[str, Any]:
    facts: dict[str, Any] = client.get("/who/", headers={"accept-language": "en"}).json()
    return facts


ANONYMOUS: dict[str, object] = {"user": "", "sesion": None, "refused": None, "said": []}


def test_a_stranger_is_anonymous_and_gets_no_cookie(client: Client) -> None:
    assert seen(client) == ANONYMOUS
    assert not client.cookies


def test_signing_in_makes_a_session_of_the_browser(client: Client, ana: User) -> None:
    client.get("/in/?as=ana", headers={"user-agent": "Firefox"})
    sesion = Sesion.objects.get()
    assert (sesion.user, sesion.kind, sesion.user_agent) == (ana, "browser", "Firefox")
    assert sesion.ip == "127.0.0.1"
    assert seen(client) == ANONYMOUS | {"user": "ana", "sesion": sesion.pk}


def test_signing_in_changes_the_key_of_the_cookie(client: Client, ana: User) -> None:
    session = client.session
    session["planted"] = "by someone else"
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = str(planted)
    client.get("/in/?as=ana")
    assert client.cookies["sessionid"].value != planted
    assert not client.session.exists(str(planted))


def test_signing_out_ends_the_session(client: Client, ana: User) -> None:
    client.get("/in/?as=ana")
    client.get("/out/")
    assert Sesion.objects.get().end_reason == "logout"
    assert seen(client) == ANONYMOUS


def test_signing_in_again_leaves_the_login_before(client: Client, ana: User) -> None:
    a_user("bea")
    client.get("/in/?as=ana")
    client.get("/in/?as=ana")
    client.get("/in/?as=bea")
    ends = Sesion.objects.order_by("pk").values_list("end_reason", flat=True)
    assert list(ends) == ["logout", "logout", ""]
    assert seen(client)["user"] == "bea"


def test_the_sign_in_of_the_admin_makes_a_session_too(client: Client) -> None:
    client.force_login(a_user("root", role="admin"))
    assert Sesion.objects.get().user == get_user(client)
    client.logout()
    assert seen(client)["user"] == ""


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (Reason.REVOKED_BY_STAFF, "Your session ended: an administrator ended it."),
        (Reason.ERASED, "Your session ended; sign in again."),
    ],
)
def test_an_ended_session_is_signed_out_once_with_a_sentence(
    client: Client, ana: User, reason: Reason, sentence: str
) -> None:
    client.get("/in/?as=ana")
    end_session(Sesion.objects.get(), reason=reason, at=timezone.now())
    assert seen(client) == ANONYMOUS | {"refused": reason.value, "said": [sentence]}
    assert seen(client) == ANONYMOUS


def test_an_overdue_session_is_signed_out_and_ends_at_its_limit(client: Client, ana: User) -> None:
    client.get("/in/?as=ana")
    limit = timezone.now() - timedelta(minutes=3)
    services._noted.clear()
    earlier = limit - timedelta(minutes=30)
    Sesion.objects.update(fecha_inicio=earlier, last_seen=earlier, idle_at=limit)
    assert seen(client)["refused"] == "idle"
    sesion = Sesion.objects.get()
    assert (sesion.fecha_fin, sesion.end_reason) == (limit, "idle")


def test_a_changed_password_signs_other_browsers_out(client: Client, ana: User) -> None:
    client.get("/in/?as=ana")
    ana.set_password("another one")
    ana.save(update_fields=["password"])
    assert seen(client)["user"] == ""


def test_a_cookie_without_a_session_is_no_login(client: Client, ana: User) -> None:
    client.get("/in/?as=ana")
    session = client.session
    del session["sid"]
    session.save()
    assert seen(client)["refused"] == "unknown"


def test_a_cookie_with_the_session_of_another_is_no_login(client: Client, ana: User) -> None:
    client.get("/in/?as=ana")
    session = client.session
    session["sid"] = a_session(at=timezone.now()).pk
    session.save()
    assert seen(client)["user"] == ""


def test_a_request_is_activity(client: Client, ana: User) -> None:
    client.get("/in/?as=ana")
    before = timezone.now()
    seen(client)
    assert services._noted[Sesion.objects.get().pk][1] >= before
