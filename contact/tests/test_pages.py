"""The page to write on, and the one where staff read."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.services import erase_account
from accounts.tests.factories import a_user, an_administrator
from contact.models import ContactMessage
from visionai.hooks import connect

pytestmark = pytest.mark.django_db
TYPED = {"name": "Lucía", "email": "lucia@example.org", "subject": "", "text": "Hola <b>qué</b>"}


def text(response: Any) -> str:
    words: str = response.content.decode()
    return words


def test_a_visitor_writes_and_is_thanked(client: Client) -> None:
    response = client.post("/contacto/", TYPED, follow=True)
    assert "tu mensaje ha llegado" in text(response)
    assert ContactMessage.objects.get().text == "Hola <b>qué</b>"


def test_who_is_signed_in_finds_name_and_address_filled_in(client: Client) -> None:
    user = a_user("ada", email="ada@example.org", name="Ada")
    client.force_login(user)
    page = text(client.get("/contacto/"))
    assert 'value="Ada"' in page
    assert 'value="ada@example.org"' in page
    client.post("/contacto/", TYPED)
    kept = ContactMessage.objects.get()
    assert (kept.user, kept.sesion_id is None) == (user, False)


def test_what_was_typed_stays_when_it_is_refused(client: Client) -> None:
    page = text(client.post("/contacto/", TYPED | {"email": "lucia"}))
    assert "Hola &lt;b&gt;qué&lt;/b&gt;" in page
    for _ in range(10):
        client.post("/contacto/", TYPED)
    response = client.post("/contacto/", TYPED)
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "vuelve a escribir en" in text(response)
    assert "Hola &lt;b&gt;qué&lt;/b&gt;" in text(response)
    assert ContactMessage.objects.count() == 10


def test_a_filled_trap_is_thanked_and_kept_apart(client: Client) -> None:
    response = client.post("/contacto/", TYPED | {"website": "http://spam.example"}, follow=True)
    assert "tu mensaje ha llegado" in text(response)
    assert ContactMessage.objects.get().is_suspect


def test_a_form_without_its_token_is_refused() -> None:
    assert Client(enforce_csrf_checks=True).post("/contacto/", TYPED).status_code == 403


@pytest.mark.parametrize("path", ["/mensajes/", "/mensajes/1/leido/", "/mensajes/1/borrar/"])
def test_the_inbox_is_for_staff(client: Client, path: str) -> None:
    method = client.get if path == "/mensajes/" else client.post
    assert method(path).status_code == 302
    client.force_login(a_user("ada"))
    response = method(path)
    assert response.status_code in (302, 403)
    assert "lucia" not in text(response)


def test_staff_read_mark_and_delete(client: Client) -> None:
    client.force_login(an_administrator("root"))
    assert "Nadie ha escrito todavía" in text(client.get("/mensajes/"))
    message = ContactMessage.objects.create(
        name="Eva", email="eva@example.org", text="<script>x</script>", created_at=timezone.now()
    )
    page = text(client.get("/mensajes/?show=unread"))
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    kept = {"show": "unread", "email": "eva@example.org", "read": "1"}
    response = client.post(f"/mensajes/{message.pk}/leido/", kept)
    assert response["Location"] == "/mensajes/?show=unread&email=eva%40example.org"
    message.refresh_from_db()
    assert message.is_read
    assert "Todo está leído" in text(client.get("/mensajes/?show=unread"))
    assert client.post("/mensajes/999/borrar/").status_code == 404
    client.post(f"/mensajes/{message.pk}/borrar/")
    assert not ContactMessage.objects.exists()


def test_erasing_an_account_takes_its_messages_along(client: Client) -> None:
    connect()
    user = a_user("ada")
    client.force_login(user)
    client.post("/contacto/", TYPED)
    Client().post("/contacto/", TYPED)
    erase_account(user)
    assert list(ContactMessage.objects.values_list("user", flat=True)) == [None]


def test_the_console_lists_messages_and_marks_them(client: Client) -> None:
    client.force_login(an_administrator("root"))
    client.post("/contacto/", TYPED)
    row = ContactMessage.objects.get()
    assert "lucia@example.org" in text(client.get("/admin/contact/contactmessage/"))
    assert client.get(f"/admin/contact/contactmessage/{row.pk}/change/").status_code == 200
    data = {"action": "mark_as_read", "_selected_action": [row.pk]}
    client.post("/admin/contact/contactmessage/", data)
    row.refresh_from_db()
    assert row.is_read
