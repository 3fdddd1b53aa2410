"""The entrances of messages, canonical and original, as visitor, user and staff."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import a_user, an_administrator
from contact.models import KEEP_SUSPECTS, ContactMessage
from contact.tasks import mail_notice, prune_contact
from sessions_app.client import Client
from sessions_app.models import Sesion
from sessions_app.services import start_session
from sessions_app.tokens import issue_tokens

pytestmark = pytest.mark.django_db
HERE = Client(ip="192.0.2.7", user_agent="")
TYPED = {
    "nombre": "Lucía",
    "email": "lucia@example.org",
    "asunto": "Un taller",
    "mensaje": "¿Podemos usar\nla cámara?",
}
FIELDS = {"id", "nombre", "email", "asunto", "mensaje", "leido", "fecha"}


def as_user(user: User) -> APIClient:
    client = APIClient()
    at = timezone.now()
    sesion = start_session(user, kind=Sesion.Kind.API, client=HERE, at=at)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_tokens(sesion, at=at).access}")
    return client


@pytest.fixture
def staff() -> APIClient:
    return as_user(an_administrator("root"))


def a_message(**fields: Any) -> ContactMessage:
    kept = {"name": "Bo", "email": "bo@example.org", "text": "Hello", "created_at": timezone.now()}
    return ContactMessage.objects.create(**kept | fields)


@pytest.mark.parametrize(
    "path", ["/contacto/enviar", "/contacto/enviar/", "/api/v1/contact/messages"]
)
def test_anybody_may_write(path: str) -> None:
    answer = APIClient().post(path, TYPED)
    assert answer.status_code == 201
    assert set(answer.json()) == FIELDS
    kept = ContactMessage.objects.get(pk=answer.json()["id"])
    assert (kept.name, kept.subject, kept.text) == ("Lucía", "Un taller", TYPED["mensaje"])
    assert (kept.is_read, kept.user, kept.sesion_id) == (False, None, None)


def test_a_form_is_taken_like_json() -> None:
    assert APIClient().post("/contacto/enviar", TYPED, format="multipart").status_code == 201


def test_who_is_signed_in_is_kept_with_the_message() -> None:
    user = a_user("ada")
    assert as_user(user).post("/contacto/enviar", TYPED).status_code == 201
    kept = ContactMessage.objects.get()
    assert kept.user == user
    assert kept.sesion_id == Sesion.objects.get().pk


def test_a_bad_token_is_an_error_and_loses_no_message_silently() -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert client.post("/contacto/enviar", TYPED).status_code == 401
    assert not ContactMessage.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nombre", ""),
        ("nombre", "a" * 151),
        ("nombre", None),
        ("email", "lucia"),
        ("email", "a@b\nBcc: all@example.org"),
        ("mensaje", "   "),
        ("mensaje", "a" * 5001),
        ("mensaje", {"a": 1}),
        ("asunto", "a" * 201),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_field(field: str, value: object) -> None:
    answer = APIClient().post("/contacto/enviar", TYPED | {field: value})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert not ContactMessage.objects.exists()


def test_a_subject_cannot_become_two_lines_nor_hide_its_direction() -> None:
    APIClient().post("/contacto/enviar", TYPED | {"asunto": "Hi\nBcc: x\u202egro.elpmaxe\x07"})
    assert ContactMessage.objects.get().subject == "Hi Bcc: xgro.elpmaxe"


def test_the_eleventh_message_within_an_hour_is_refused() -> None:
    client = APIClient()
    for _ in range(10):
        assert client.post("/contacto/enviar", TYPED).status_code == 201
    answer = client.post("/api/v1/contact/messages", TYPED)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_messages")
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert ContactMessage.objects.count() == 10


@pytest.mark.usefixtures("django_capture_on_commit_callbacks")
def test_what_a_program_fills_in_is_kept_apart() -> None:
    answer = APIClient().post("/contacto/enviar", TYPED | {"sitio_web": "http://spam.example"})
    assert answer.status_code == 201
    assert ContactMessage.objects.get().is_suspect


def test_suspect_messages_are_forgotten_after_a_month(staff: APIClient) -> None:
    old = timezone.now() - KEEP_SUSPECTS - timedelta(hours=1)
    a_message(is_suspect=True, created_at=old)
    kept = [a_message(is_suspect=True), a_message(created_at=old)]
    assert [m["id"] for m in staff.get("/contacto/mensajes").json()] == [kept[1].pk]
    prune_contact()
    assert list(ContactMessage.objects.order_by("pk")) == kept


def test_staff_are_mailed_where_the_operator_says_so(
    settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.CONTACT_NOTIFY = ["team@example.org", "boss@example.org"]
    settings.CELERY_TASK_ALWAYS_EAGER = True
    with django_capture_on_commit_callbacks(execute=False) as sent:
        APIClient().post("/contacto/enviar", TYPED)
        APIClient().post("/contacto/enviar", TYPED | {"sitio_web": "x"})
    assert len(sent) == 1  # none for the suspect one
    message = ContactMessage.objects.earliest("pk")
    mail_notice(message.pk, "es")
    (notice,) = mail.outbox
    assert (notice.to, notice.reply_to) == (settings.CONTACT_NOTIFY, ["lucia@example.org"])
    assert notice.subject == "[VisionAI] Un taller"
    assert "Lucía <lucia@example.org> escribió:" in notice.body
    assert TYPED["mensaje"] in notice.body


def test_nobody_is_mailed_by_default() -> None:
    mail_notice(a_message().pk, "es")
    mail_notice(10**9, "es")  # deleted meanwhile
    assert mail.outbox == []


CALLS = [
    ("get", "/contacto/mensajes"),
    ("get", "/api/v1/contact/messages"),
    ("get", "/api/v1/contact/senders"),
    ("put", "/contacto/{id}/leido"),
    ("put", "/api/v1/contact/messages/{id}"),
    ("delete", "/contacto/{id}"),
    ("delete", "/api/v1/contact/messages/{id}"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_messages_are_for_staff(method: str, path: str) -> None:
    message = a_message()
    call = path.format(id=message.pk)
    assert getattr(APIClient(), method)(call).status_code == 401
    assert getattr(as_user(a_user("ada")), method)(call).status_code == 403
    message.refresh_from_db()
    assert not message.is_read


def test_no_cookie_counts_on_the_original_paths(client: Any) -> None:
    client.force_login(an_administrator("root"))
    assert client.get("/contacto/mensajes").status_code == 401


def test_staff_list_the_newest_first_page_by_page(staff: APIClient) -> None:
    ids = [a_message().pk for _ in range(5)]
    answer = staff.get("/contacto/mensajes?limit=2&offset=1")
    assert [message["id"] for message in answer.json()] == [ids[3], ids[2]]
    assert answer["X-Total-Count"] == "5"
    assert staff.get("/contacto/mensajes?limit=0").status_code == 400
    assert staff.get("/contacto/mensajes?offset=99").json() == []


def test_staff_filter_by_state_and_sender(staff: APIClient) -> None:
    read, other = a_message(is_read=True), a_message(email="eva@example.org")
    path = "/api/v1/contact/messages"
    assert [m["id"] for m in staff.get(f"{path}?leido=true").json()] == [read.pk]
    assert [m["id"] for m in staff.get(f"{path}?email=EVA@example.org").json()] == [other.pk]


def test_staff_see_who_waits_for_an_answer_first(staff: APIClient) -> None:
    a_message(email="al@example.org", is_read=True)
    a_message(email="eva@example.org")
    a_message(email="eva@example.org", is_read=True)
    a_message(email="spam@example.org", is_suspect=True)
    assert staff.get("/api/v1/contact/senders").json() == [
        {"email": "eva@example.org", "mensajes": 2, "sin_leer": 1},
        {"email": "al@example.org", "mensajes": 1, "sin_leer": 0},
    ]


@pytest.mark.parametrize("path", ["/contacto/{id}/leido", "/api/v1/contact/messages/{id}"])
def test_staff_mark_a_message_as_read_and_as_unread(staff: APIClient, path: str) -> None:
    message = a_message()
    call = path.format(id=message.pk)
    assert staff.put(call).json()["leido"] is True
    assert staff.put(call, {"leido": False}).json()["leido"] is False
    message.refresh_from_db()
    assert not message.is_read
    assert staff.put(path.format(id=10**9)).status_code == 404


def test_staff_delete_a_message(staff: APIClient) -> None:
    first, second = a_message(), a_message()
    assert staff.delete(f"/contacto/{first.pk}").json() == {"success": True}
    assert staff.delete(f"/api/v1/contact/messages/{second.pk}").status_code == 204
    assert staff.delete(f"/contacto/{first.pk}").status_code == 404
    assert not ContactMessage.objects.exists()
