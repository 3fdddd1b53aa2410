"""How answers are written, lost, taken up and ended."""

import os
import socket
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts.models import UsageRow, User
from assistant import answering as module
from assistant import lease, services
from assistant.answering import Answering, answering
from assistant.listening import listening
from assistant.models import Message
from assistant.providers import chain
from assistant.providers.base import Began, Delta, Filtered, ProviderBusy, Source
from assistant.services import Speaker
from assistant.tests.factories import a_conversation, a_message, an_answer
from assistant.tests.scripted import Scripted
from sessions_app.tests.factories import a_user

pytestmark = pytest.mark.django_db(transaction=True)
ME = "host:1:me"
LEASE = timedelta(seconds=10)


@pytest.fixture
def ana() -> User:
    return a_user("ana")


def asked(user: User, text: str = "Hola") -> UUID:
    return services.ask(Speaker(user.pk), text, language="es", at=timezone.now()).answer


def ended(pk: UUID, *, within: float = 8) -> Message:
    limit = time.monotonic() + within
    while time.monotonic() < limit:
        row = Message.objects.get(pk=pk)
        if row.has_ended:
            return row
        time.sleep(0.02)
    raise AssertionError(f"still {row.state}: {row.text!r}")


def until(text: str, pk: UUID) -> None:
    limit = time.monotonic() + 5
    while Message.objects.get(pk=pk).text != text:
        assert time.monotonic() < limit
        time.sleep(0.01)


def left(user: User, text: str = "Hola, ", **fields: object) -> UUID:
    """An answer that some process began."""
    pk = an_answer(a_message(a_conversation(user)), text, "generating").pk
    Message.objects.filter(pk=pk).update(**fields)
    return pk


def test_an_answer_is_counted_once_when_it_has_ended(engine: Scripted, ana: User) -> None:
    engine.let_all()
    pk = asked(ana)
    assert ended(pk).text == "Hola, soy yo."
    row = UsageRow.objects.get()
    assert (row.act, row.key, row.amount) == ("assistant_call", f"answer:{pk}", 1)


@pytest.mark.parametrize(
    ("fault", "state", "error"),
    [
        (ProviderBusy(), "failed", "provider_busy"),
        (Filtered(), "filtered", "filtered"),
        (TimeoutError(), "failed", "provider_timeout"),
        (LookupError("a fault of its own"), "failed", "provider_failed"),
    ],
)
def test_a_failed_answer_keeps_its_text_and_costs_nothing(
    engine: Scripted, ana: User, fault: Exception, state: str, error: str
) -> None:
    engine.fault = fault
    engine.let_all()
    row = ended(asked(ana))
    assert (row.state, row.error, row.text) == (state, error, "Hola, soy yo.")
    assert (row.owner, row.lease_until) == ("", None)
    assert not UsageRow.objects.exists()


def test_what_a_dead_process_left_goes_on_after_its_text(scripted: Scripted, ana: User) -> None:
    dead = left(ana, owner=f"{socket.gethostname()}:999999999:x", fence=3)
    Message.objects.filter(pk=dead).update(lease_until=timezone.now() + LEASE)
    stale = left(ana, owner="elsewhere:1:x", lease_until=timezone.now() - LEASE)
    held = left(ana, owner="elsewhere:1:x", lease_until=timezone.now() + LEASE)
    scripted.let_all()
    answering.start()
    try:
        assert [ended(pk).text for pk in (dead, stale)] == ["Hola, soy yo."] * 2
        assert Message.objects.get(pk=dead).fence == 4
        assert Message.objects.get(pk=held).state == "generating"
        assert {ask.said for ask, _user in scripted.asked} == {"Hola, "}
    finally:
        answering.stop()


def test_a_provider_that_begins_anew_is_cut(
    scripted: Scripted, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def anew(_ask: object, **_rest: object) -> Any:
        yield Began("scripted", "anew")
        for word in scripted.words:
            yield Delta(word)

    monkeypatch.setattr(chain, "chat", anew)
    pk = left(ana)
    answering.start()
    try:
        assert ended(pk).text == "Hola, soy yo."
    finally:
        answering.stop()


def test_a_stop_of_the_process_leaves_the_answer_to_the_next(scripted: Scripted, ana: User) -> None:
    answering.start()
    pk = asked(ana)
    scripted.let(2)
    until("Hola, ", pk)
    answering.stop()
    row = Message.objects.get(pk=pk)
    assert (row.state, row.text, row.owner) == ("generating", "Hola, ", "")
    scripted.let_all()
    answering.start()
    try:
        assert ended(pk).text == "Hola, soy yo."
    finally:
        answering.stop()


def test_who_lost_an_answer_writes_nothing_more(engine: Scripted, ana: User) -> None:
    pk = asked(ana)
    engine.let(1)
    until("Hola", pk)
    Message.objects.filter(pk=pk).update(owner="elsewhere:1:x", fence=9)
    engine.let_all()
    limit = time.monotonic() + 5
    while listening.now(pk) is not None:  # it gives up at its next write
        assert time.monotonic() < limit
        time.sleep(0.02)
    row = Message.objects.get(pk=pk)
    assert (row.text, row.state, row.fence) == ("Hola", "generating", 9)


def test_a_database_that_is_away_delays_and_loses_nothing(
    engine: Scripted, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = lease.write, iter(range(3))

    def write(*arguments: Any, **more: Any) -> Any:
        if next(failures, None) is not None:
            raise OperationalError("away")
        return real(*arguments, **more)

    monkeypatch.setattr(lease, "write", write)
    engine.let_all()
    assert ended(asked(ana)).text == "Hola, soy yo."


def test_a_fault_of_ours_ends_the_answer(
    engine: Scripted, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(module, "wanted", broken)
    row = ended(asked(ana))
    assert (row.state, row.error) == ("failed", "internal")


def test_an_answer_that_kills_whoever_takes_it_is_given_up(ana: User) -> None:
    pk = left(ana, fence=lease.GIVE_UP)
    assert lease.claim(pk, ME, lease=LEASE) is None
    row = Message.objects.get(pk=pk)
    assert (row.state, row.error) == ("failed", "gave_up")


def test_an_answer_has_one_writer(ana: User) -> None:
    pk = left(ana)
    first = lease.claim(pk, ME, lease=LEASE)
    assert first is not None
    assert first.text == "Hola, "
    assert lease.claim(pk, "host:2:you", lease=LEASE) is None
    assert lease.claim(pk, "host:2:you", lease=LEASE, dead=[ME]) is not None
    assert lease.write([(first, None)], lease=LEASE) == [lease.Fate.LOST]


@pytest.mark.parametrize(
    ("owner", "dead"),
    [
        (f"{socket.gethostname()}:{os.getpid()}:a", True),
        (f"{socket.gethostname()}:999999999:a", True),
        (f"{socket.gethostname()}:1:a", False),
        ("elsewhere:999999999:a", False),
        ("", False),
        ("nonsense", False),
    ],
    ids=["our number, not our name", "gone", "alive", "another machine", "nobody", "nonsense"],
)
def test_a_process_of_this_machine_is_known_to_be_dead(owner: str, dead: bool) -> None:
    assert lease.is_dead(owner) is dead


def test_a_stand_in_goes_on_where_the_provider_failed(
    scripted: Scripted, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def chat(_ask: object, **_rest: object) -> Any:
        yield Began("openai", "small")
        yield Delta("Uno, ")
        yield Source("Ayuda", "/ayuda/")
        yield Began("embedded", "", degraded=True)
        yield Source("Ayuda", "/ayuda/")
        yield Delta("dos \ud83d")
        yield Delta("\ude42\0.")

    monkeypatch.setattr(chain, "chat", chat)
    answering.start()
    try:
        row = ended(asked(ana))
    finally:
        answering.stop()
    assert (row.text, row.engine, row.degraded) == ("Uno, dos 🙂.", "embedded", True)
    assert row.sources == [{"title": "Ayuda", "url": "/ayuda/"}]


def test_an_endless_answer_ends(
    engine: Scripted, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_TEXT", 7)
    engine.let_all()
    row = ended(asked(ana))
    assert (row.text, row.state) == ("Hola, s", "done")


def test_a_deleted_conversation_ends_its_answer_at_once(engine: Scripted, ana: User) -> None:
    pk = asked(ana)
    engine.let(1)
    until("Hola", pk)
    talk = Message.objects.get(pk=pk).conversation_id
    services.delete(Speaker(ana.pk), talk)
    limit = time.monotonic() + 3
    while engine.closed == 0:
        assert time.monotonic() < limit
        time.sleep(0.01)
    assert not Message.objects.exists()


def test_an_engine_that_does_not_run_takes_nothing(ana: User) -> None:
    idle = Answering()
    idle.begin(left(ana))
    idle.halt_text("00000000-0000-4000-8000-000000000000")
    idle.stop()
    assert len(idle) == 0


def test_a_conversation_of_a_thousand_messages_is_deleted(ana: User) -> None:
    talk = a_conversation(ana)
    rows = [a_message(talk)]
    for number in range(2, 1001):
        at = timezone.now()
        facts: dict[str, Any] = {
            "role": "user",
            "language": "es",
            "state": "done",
            "created_at": at,
        }
        rows.append(
            Message(conversation=talk, parent=rows[-1], number=number, ended_at=at, **facts)
        )
    Message.objects.bulk_create(rows[1:])
    services.delete(Speaker(ana.pk), talk.pk)
    assert not Message.objects.exists()
