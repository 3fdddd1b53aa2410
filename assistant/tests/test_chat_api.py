import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import User, UserLimit
from assistant import attachments
from assistant.models import Attached, Conversation, Message
from assistant.tests.factories import a_conversation, a_message, an_answer
from assistant.tests.scripted import Scripted
from predictions.tests.pictures import encoded, four_corners
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token

pytestmark = pytest.mark.django_db
URL = "/api/v1/assistant/conversations"
FILES = "/api/v1/assistant/attachments"
NOBODY_S = "00000000-0000-4000-8000-000000000000"


def client_of(user: User) -> Client:
    token = a_token(a_session(user, kind=Sesion.Kind.API, at=timezone.now()))
    return Client(headers={"Authorization": f"Bearer {token}", "Accept-Language": "en"})


@pytest.fixture
def ana() -> User:
    return a_user("ana")


@pytest.fixture
def api(ana: User) -> Client:
    return client_of(ana)


@pytest.fixture
def stranger(db: None) -> Client:
    return client_of(a_user("eva"))


def post(client: Client, url: str, **body: object) -> Any:
    return client.post(url, json.dumps(body), "application/json")


def picture() -> SimpleUploadedFile:
    return SimpleUploadedFile("mano.png", encoded(four_corners(), "PNG"), "text/html")


def test_conversations_are_listed_newest_first_and_only_one_s_own(ana: User, api: Client) -> None:
    older = a_conversation(ana, "Primera")
    newer = a_conversation(ana, "Segunda")
    a_conversation(a_user("eva"), "Ajena")
    an_answer(a_message(newer), state="generating")
    found = api.get(URL)
    assert [(one["id"], one["generating"]) for one in found.json()] == [
        (str(newer.pk), True),
        (str(older.pk), False),
    ]
    assert found["X-Total-Count"] == "2"
    second = api.get(URL, {"limit": 1, "offset": 1}).json()
    assert [one["title"] for one in second] == ["Primera"]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("exportacion", ["La exportación"]),
        ("EXPORTACIÓN", ["La exportación"]),
        ("tranvia", ["Otra"]),
        ("tranvía amarillo", ["Otra"]),
        ("tranvía verde", []),
        ("otra tranvia", ["Otra"]),
        ("100%", ["Cien"]),
        ("1_0", []),
        ("", ["Cien", "Otra", "La exportación"]),
        ("   ", ["Cien", "Otra", "La exportación"]),
    ],
)
def test_a_search_finds_words_without_accents_in_titles_and_texts(
    ana: User, api: Client, query: str, titles: list[str]
) -> None:
    a_conversation(ana, "La exportación")
    an_answer(a_message(a_conversation(ana, "Otra")), "Un TRANVÍA amarillo")
    a_message(a_conversation(ana, "Cien"), "al 100% de 120")
    a_message(a_conversation(a_user("eva"), "Ajena"), "tranvía exportación 100%")
    found = api.get(URL, {"q": query}).json()
    assert [one["title"] for one in found] == titles


def test_a_search_shows_where_it_found_it(ana: User, api: Client) -> None:
    a_message(a_conversation(ana), "a" * 90 + " y un tranvía amarillo " + "b" * 90)
    (one,) = api.get(URL, {"q": "tranvia"}).json()
    assert "un tranvía amarillo" in one["found"]
    assert one["found"].startswith("…")
    assert one["found"].endswith("…")


def test_a_conversation_comes_with_its_tree(ana: User, api: Client) -> None:
    talk = a_conversation(ana)
    question = a_message(talk)
    first, second = an_answer(question, "Uno"), an_answer(question, "Dos")
    body = api.get(f"{URL}/{talk.pk}").json()
    assert [(one["text"], one["parent"]) for one in body["messages"]] == [
        ("Hola", None),
        ("Uno", str(question.pk)),
        ("Dos", str(question.pk)),
    ]
    assert (first.number, second.number) == (2, 3)


CALLS: list[tuple[str, Callable[[Client, str, str], Any]]] = [
    ("get", lambda one, talk, _answer: one.get(talk)),
    ("rename", lambda one, talk, _answer: one.patch(talk, '{"title":"X"}', "application/json")),
    ("delete", lambda one, talk, _answer: one.delete(talk)),
    ("export", lambda one, talk, _answer: one.get(f"{talk}/export")),
    ("ask", lambda one, talk, _answer: post(one, f"{talk}/messages", text="Hola")),
    ("message", lambda one, _talk, answer: one.get(answer)),
    ("stop", lambda one, _talk, answer: one.post(f"{answer}/stop")),
    ("retry", lambda one, _talk, answer: one.post(f"{answer}/retry")),
    ("edit", lambda one, _talk, answer: post(one, f"{answer}/edit", text="Hola")),
]


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[name for name, _ in CALLS])
def test_a_stranger_finds_nothing_and_nobody_must_sign_in(
    ana: User, stranger: Client, name: str, call: Callable[[Client, str, str], Any]
) -> None:
    talk = a_conversation(ana)
    answer = an_answer(a_message(talk))
    url = f"{URL}/{talk.pk}"
    foreign = call(stranger, url, f"{url}/messages/{answer.pk}")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    unknown = call(stranger, f"{URL}/{NOBODY_S}", f"{URL}/{NOBODY_S}/messages/{NOBODY_S}")
    assert unknown.json() == foreign.json()
    assert call(Client(), url, f"{url}/messages/{answer.pk}").status_code == 401
    assert Message.objects.count() == 2
    talk.refresh_from_db()
    assert talk.title == "Una red"


def test_another_conversation_s_message_is_not_found_in_this_one(ana: User, api: Client) -> None:
    talk, other = a_conversation(ana), a_conversation(ana)
    answer = an_answer(a_message(other))
    assert api.get(f"{URL}/{talk.pk}/messages/{answer.pk}").status_code == 404
    asked = post(api, f"{URL}/{talk.pk}/messages", text="Hola", parent=str(answer.pk))
    assert asked.status_code == 404


def test_a_conversation_is_begun_renamed_and_deleted(api: Client) -> None:
    made = post(api, URL, title="  Mi  red ")
    assert (made.status_code, made.json()["title"]) == (201, "Mi red")
    url = f"{URL}/{made.json()['id']}"
    renamed = api.patch(url, '{"title":"Otra"}', "application/json")
    assert renamed.json()["title"] == "Otra"
    assert api.patch(url, '{"title":"  "}', "application/json").status_code == 400
    assert api.get(URL, {"q": "otra"}).json()[0]["id"] == made.json()["id"]
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404


def test_an_export_is_a_file_of_the_newest_branch(ana: User, api: Client) -> None:
    talk = a_conversation(ana, "¿Cómo exporto?")
    question = a_message(talk, "¿Cómo?")
    an_answer(question, "Así no.")
    answer = an_answer(question, "Así: `make sim`", state="stopped")
    Message.objects.filter(pk=answer.pk).update(sources=[{"title": "Ayuda", "url": "/ayuda/"}])
    found = api.get(f"{URL}/{talk.pk}/export", {"form": "markdown"})
    assert found["Content-Type"] == "text/markdown; charset=utf-8"
    assert found["Content-Disposition"] == 'attachment; filename="visionai-como-exporto.md"'
    assert (found["X-Content-Type-Options"], found["Content-Security-Policy"]) == (
        "nosniff",
        "sandbox",
    )
    text = found.content.decode()
    assert text.startswith("# ¿Cómo exporto?\n")
    assert "Así: `make sim`\n\n*(Stopped)*" in text
    assert "[Ayuda](/ayuda/)" in text
    assert "Así no." not in text
    whole = api.get(f"{URL}/{talk.pk}/export?form=json").json()
    assert [one["text"] for one in whole["messages"]] == ["¿Cómo?", "Así no.", "Así: `make sim`"]
    assert api.get(f"{URL}/{talk.pk}/export?form=pdf").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_a_question_without_a_socket_waits_for_its_answer(engine: Scripted, api: Client) -> None:
    engine.let_all()
    talk = post(api, URL, title="Saludo").json()["id"]
    done = post(api, f"{URL}/{talk}/messages", text="Hola")
    assert done.status_code == 201
    answer = done.json()["answer"]
    assert (answer["text"], answer["state"]) == ("Hola, soy yo.", "done")
    again = api.post(f"{URL}/{talk}/messages/{answer['id']}/retry")
    assert again.status_code == 201
    assert again.json()["answer"]["parent"] == done.json()["message"]
    question = done.json()["message"]
    edited = post(api, f"{URL}/{talk}/messages/{question}/edit", text="Hola a ti")
    assert edited.status_code == 201
    body = api.get(f"{URL}/{talk}").json()
    roots = [one["text"] for one in body["messages"] if one["parent"] is None]
    assert roots == ["Hola", "Hola a ti"]
    wrong = api.post(f"{URL}/{talk}/messages/{question}/retry")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "wrong_role")


@pytest.mark.django_db(transaction=True)
def test_a_question_that_does_not_wait_is_stopped_from_elsewhere(
    engine: Scripted, api: Client
) -> None:
    talk = post(api, URL, title="Saludo").json()["id"]
    begun = post(api, f"{URL}/{talk}/messages", text="Hola", wait=False)
    assert (begun.status_code, begun.json()["answer"]["state"]) == (202, "generating")
    url = f"{URL}/{talk}/messages/{begun.json()['answer']['id']}"
    still = api.post(f"{url}/retry")
    assert (still.status_code, still.json()["code"]) == (409, "still_answering")
    engine.let(1)
    while api.get(url).json()["text"] != "Hola":
        threading.Event().wait(0.02)
    stopped = api.post(f"{url}/stop").json()
    assert (stopped["state"], stopped["text"]) == ("stopped", "Hola")


def test_four_answers_at_once_are_too_many(ana: User, api: Client) -> None:
    talk = a_conversation(ana)
    for _ in range(3):
        an_answer(a_message(talk), state="generating")
    refused = post(api, f"{URL}/{talk.pk}/messages", text="Hola")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_answers")
    assert refused["Retry-After"] == "5"


def test_the_day_s_quota_counts_what_is_still_being_answered(ana: User, api: Client) -> None:
    UserLimit.objects.create(user=ana, name="assistant_calls_a_day", most=1)
    talk = a_conversation(ana)
    first = post(api, f"{URL}/{talk.pk}/messages", text="Hola", wait=False)
    assert first.status_code == 202
    second = post(api, f"{URL}/{talk.pk}/messages", text="Hola", wait=False)
    assert (second.status_code, second.json()["code"]) == (429, "daily_limit_reached")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": "  "}, 400, "empty"),
        ({"text": "a", "parent": "x"}, 400, "invalid"),
        ({"text": "a", "parent": NOBODY_S}, 404, "not_found"),
        ({"text": "a", "attachments": [NOBODY_S]}, 404, "not_found"),
        ({"text": "a" * 16_001}, 400, "invalid"),
        ({}, 400, "invalid"),
    ],
)
def test_a_question_that_makes_no_sense_leaves_nothing(
    ana: User, api: Client, body: dict[str, object], status: int, code: str
) -> None:
    talk = a_conversation(ana)
    refused = post(api, f"{URL}/{talk.pk}/messages", **body)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert not Message.objects.exists()


def test_a_file_is_kept_for_its_owner_alone(ana: User, api: Client, stranger: Client) -> None:
    sent = api.post(FILES, {"file": picture()})
    assert sent.status_code == 201
    assert sent.json()["media_type"] == "image/png"  # by its bytes, not by what it is called
    url = f"{FILES}/{sent.json()['id']}"
    got = api.get(url)
    assert got["Content-Type"] == "image/png"
    assert got["Content-Disposition"] == 'attachment; filename="mano.png"'
    assert got["Content-Security-Policy"] == "sandbox"
    assert stranger.get(url).status_code == 404
    assert stranger.delete(url).status_code == 404
    assert Client().get(url).status_code == 401
    row = Attached.objects.get()
    path = attachments.folder() / row.stored
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.is_relative_to(Path(django_settings.DATA_DIR))


def test_files_go_with_their_message_and_with_its_conversation(
    ana: User, api: Client, stranger: Client, django_capture_on_commit_callbacks: Any
) -> None:
    file = api.post(FILES, {"file": picture()}).json()
    path = attachments.folder() / Attached.objects.get().stored
    theirs, mine = a_conversation(a_user("leo")), a_conversation(ana)
    taken = post(stranger, f"{URL}/{theirs.pk}/messages", text="a", attachments=[file["id"]])
    assert taken.status_code == 404
    url = f"{URL}/{mine.pk}"
    asked = post(api, f"{url}/messages", text="", attachments=[file["id"]], wait=False)
    assert asked.status_code == 202
    (question, _answer) = api.get(url).json()["messages"]
    assert question["attachments"] == [file]
    assert api.delete(f"{FILES}/{file['id']}").status_code == 404  # the message has it
    again = post(api, f"{url}/messages", text="", attachments=[file["id"]], wait=False)
    assert again.status_code == 404
    Message.objects.filter(state="generating").update(state="done", ended_at=timezone.now())
    edited = post(api, f"{url}/messages/{question['id']}/edit", text="¿Qué es?", wait=False)
    assert edited.status_code == 202
    assert Attached.objects.count() == 2  # the edited question has it too; the bytes lie there once
    assert path.exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(url).status_code == 204
    assert not path.exists()
    assert not Attached.objects.exists()


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.pdf", b"%PDF-1.7\xff\xfe", "unsupported_format"),
        ("a.txt", b"", "unsupported_format"),
        ("a.txt", b"a\0b", "unsupported_format"),
        ("a.png", b"\x89PNG\r\n\x1a\nxx", "broken"),
        ("a.txt", b"a" * (512 * 1024 + 1), "too_large"),
    ],
)
def test_a_file_that_is_not_read_here_is_refused(
    api: Client, name: str, data: bytes, code: str
) -> None:
    refused = api.post(FILES, {"file": SimpleUploadedFile(name, data)})
    assert refused.json()["code"] == code
    assert not Attached.objects.exists()
    assert api.post(FILES, {}).json()["code"] == "no_file"


def test_a_file_s_name_is_a_name_and_no_path(api: Client) -> None:
    made = api.post(FILES, {"file": SimpleUploadedFile("x.md", b"# a")}).json()
    assert made["media_type"] == "text/markdown"
    assert attachments._plain_name("..\\..\\etc/pass\u202ewd\n.txt") == "passwd.txt"
    assert attachments._plain_name("../..") == "file"


def test_a_user_s_files_have_their_room(
    ana: User, api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MOST_OF_A_USER", 10)
    assert api.post(FILES, {"file": SimpleUploadedFile("a.txt", b"123456")}).status_code == 201
    refused = api.post(FILES, {"file": SimpleUploadedFile("b.txt", b"123456")})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_room")


def test_a_list_costs_the_same_whatever_its_length(
    ana: User, api: Client, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        an_answer(a_message(a_conversation(ana, f"Tranvía {number}"), "tranvía"))
    api.get(URL)
    with django_assert_num_queries(5):
        api.get(URL, {"q": "tranvia"})
    for number in range(9):
        an_answer(a_message(a_conversation(ana, f"Tranvía {number}"), "tranvía"))
    with django_assert_num_queries(5):
        assert len(api.get(URL, {"q": "tranvia"}).json()) == 12
    assert Conversation.objects.count() == 12
