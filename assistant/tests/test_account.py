from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts import hooks
from accounts.models import User
from accounts.services import disable, erase_account
from assistant import attachments
from assistant.models import Attached, Conversation, Message
from assistant.tasks import clean_up
from assistant.tests.factories import a_conversation, a_message, an_answer
from sessions_app.models import Change
from sessions_app.tests.factories import a_user

pytestmark = pytest.mark.django_db
NOW = timezone.now


@pytest.fixture
def ana() -> User:
    return a_user("ana")


def exported(user: User) -> dict[str, list[dict[str, Any]]]:
    return {name: [dict(row) for row in rows] for name, rows in (f(user) for f in hooks.export_all)}


def test_all_of_one_s_own_and_nothing_else_is_exported(ana: User) -> None:
    talk = a_conversation(ana, "Mía")
    question = a_message(talk, "¿Qué?")
    an_answer(question, "Eso.")
    attachments.keep(ana, name="a.txt", data=b"hola", at=NOW())
    a_message(a_conversation(a_user("eva"), "Ajena"), "Secreto")
    found = exported(ana)
    assert [row["title"] for row in found["conversations"]] == ["Mía"]
    assert [row["text"] for row in found["messages"]] == ["¿Qué?", "Eso."]
    assert [row["name"] for row in found["attached_files"]] == ["a.txt"]
    assert "Secreto" not in str(found)


def test_an_erased_account_leaves_no_text_and_no_file(
    ana: User, django_capture_on_commit_callbacks: Any
) -> None:
    talk = a_conversation(ana)
    an_answer(a_message(talk), state="generating")
    sent = attachments.keep(ana, name="a.txt", data=b"hola", at=NOW())
    Attached.objects.filter(pk=sent.pk).update(message=talk.messages.get(role="user"))
    attachments.keep(ana, name="b.txt", data=b"hola", at=NOW())
    theirs = attachments.keep(a_user("eva"), name="c.txt", data=b"hola", at=NOW())
    with django_capture_on_commit_callbacks(execute=True):
        erase_account(ana)
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    left = {path.name for path in attachments.folder().iterdir()}
    assert theirs.stored in left
    assert sent.stored not in left
    assert list(Attached.objects.values_list("name", flat=True)) == ["c.txt"]


def test_a_disabled_account_s_answers_stop(ana: User) -> None:
    left = an_answer(a_message(a_conversation(ana)), "Hasta", state="generating")
    held = an_answer(a_message(a_conversation(ana)), state="generating")
    Message.objects.filter(pk=held.pk).update(
        owner="host:1:x", fence=1, lease_until=NOW() + timedelta(seconds=9)
    )
    disable(ana)
    left.refresh_from_db()
    held.refresh_from_db()
    assert (left.state, left.text) == ("stopped", "Hasta")  # nobody wrote it: it ends here
    assert (held.state, held.wants_stop) == ("generating", True)  # its process is told
    assert Change.objects.filter(kind="assistant_stop", subject=str(held.pk)).exists()


def test_the_hourly_task_removes_what_nobody_comes_back_to(
    ana: User, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    long_ago = NOW() - timedelta(days=400)
    a_message(a_conversation(None, "De paso", visitor="a" * 32, at=long_ago))
    a_conversation(None, "De paso ahora", visitor="b" * 32)
    a_conversation(ana, "Vieja", at=long_ago)
    unsent = attachments.keep(ana, name="a.txt", data=b"hola", at=long_ago)
    with django_capture_on_commit_callbacks(execute=True):
        clean_up()
    assert set(Conversation.objects.values_list("title", flat=True)) == {"De paso ahora", "Vieja"}
    assert not (attachments.folder() / unsent.stored).exists()
    settings.ENV = settings.ENV.model_copy(update={"conversation_retention_days": 365})
    clean_up()
    assert not Conversation.objects.filter(title="Vieja").exists()


def test_staff_see_how_answers_go_and_not_what_they_say(client: Client, ana: User) -> None:
    talk = a_conversation(ana, "Título privado")
    answer = an_answer(a_message(talk, "Pregunta privada"), "Respuesta privada", "generating")
    boss = User.objects.create_superuser("boss", password="un-tranvía-amarillo-27")
    client.force_login(boss)
    pages = [
        "/admin/assistant/conversation/",
        f"/admin/assistant/conversation/{talk.pk}/change/",
        "/admin/assistant/message/?q=ana",
        f"/admin/assistant/message/{answer.pk}/change/",
    ]
    for page in pages:
        found = client.get(page, follow=True)
        assert found.status_code == 200, page
        assert str(talk.pk) in found.content.decode() or str(answer.pk) in found.content.decode()
        assert "rivad" not in found.content.decode(), page
    client.post(
        "/admin/assistant/message/", {"action": "stop_now", "_selected_action": [str(answer.pk)]}
    )
    answer.refresh_from_db()
    assert answer.state == "stopped"
