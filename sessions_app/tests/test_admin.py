import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import User
from sessions_app.models import Change, OpenSocket, Sesion
from sessions_app.tests.factories import a_session, a_user

pytestmark = pytest.mark.django_db
SESSIONS = "/admin/sessions_app/sesion/"
SOCKETS = "/admin/sessions_app/opensocket/"


@pytest.fixture
def root() -> User:
    return a_user("root", role="admin")


@pytest.fixture
def staff(client: Browser, root: User) -> Browser:
    client.force_login(root)
    return client


def a_socket(sesion: Sesion) -> OpenSocket:
    now = timezone.now()
    return OpenSocket.objects.create(
        process="box:1:aa",
        connection="c1",
        user=sesion.user,
        sesion=sesion,
        path="/ws",
        ip="192.0.2.1",
        opened=now,
        last_seen=now,
    )


def test_staff_see_all_sessions_and_sockets(staff: Browser) -> None:
    a_socket(a_session(a_user("ana"), at=timezone.now()))
    for page in (SESSIONS, SOCKETS):
        answer = staff.get(page)
        assert answer.status_code == 200
        assert "ana" in answer.content.decode()


@pytest.mark.parametrize(("state", "names"), [("open", {"ana"}), ("ended", {"bea"})])
def test_sessions_are_filtered_by_state(staff: Browser, state: str, names: set[str]) -> None:
    a_session(a_user("ana"), at=timezone.now())
    gone = a_session(a_user("bea"), at=timezone.now())
    Sesion.objects.filter(pk=gone.pk).update(fecha_fin=timezone.now(), end_reason="idle")
    found = staff.get(SESSIONS, {"state": state}).context["cl"].queryset
    assert {one.user.username for one in found} - {"root"} == names
    ended_idle = staff.get(SESSIONS, {"end_reason__exact": "idle"}).context["cl"].queryset
    assert [one.pk for one in ended_idle] == [gone.pk]


def test_staff_end_a_session_now(staff: Browser) -> None:
    sesion = a_session(at=timezone.now())
    staff.post(SESSIONS, {"action": "end_now", "_selected_action": [sesion.pk]})
    sesion.refresh_from_db()
    assert sesion.end_reason == "revoked_by_staff"
    assert sesion.fecha_fin


def test_staff_close_a_socket_now(staff: Browser) -> None:
    socket = a_socket(a_session(at=timezone.now()))
    staff.post(SOCKETS, {"action": "close_now", "_selected_action": [socket.pk]})
    assert Change.objects.filter(kind="socket_closed", subject="c1").exists()


@pytest.mark.parametrize("page", [SESSIONS, SOCKETS])
def test_nobody_adds_edits_or_deletes_rows_by_hand(staff: Browser, page: str) -> None:
    sesion = a_session(at=timezone.now())
    a_socket(sesion)
    assert staff.get(f"{page}add/").status_code == 403
    assert staff.post(f"{page}{sesion.pk}/change/", {}).status_code in {302, 403}
    assert staff.post(f"{page}{sesion.pk}/delete/", {"post": "yes"}).status_code in {302, 403}
    assert Sesion.objects.filter(pk=sesion.pk).exists()


@pytest.mark.parametrize("page", [SESSIONS, SOCKETS])
def test_others_are_sent_to_the_sign_in_of_the_admin(client: Browser, page: str) -> None:
    assert client.get(page).status_code == 302
    client.force_login(a_user("ana"))
    assert client.get(page).status_code == 302
