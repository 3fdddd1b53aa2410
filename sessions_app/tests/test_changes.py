import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from sessions_app import changes
from sessions_app.changes import Feed, announce, prune
from sessions_app.models import Change
from sessions_app.push import Push
from tests.services.network import wait_until


@pytest.fixture(autouse=True)
def _no_news_yet(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        Change.objects.all().delete()  # a migration tells of the first model


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def heard(feed: Feed) -> list[str]:
    subjects: list[str] = []
    feed.listen("news", subjects.append)
    return subjects


def write(pk: int, subject: str = "") -> None:
    Change.objects.create(pk=pk, kind="news", subject=subject or str(pk), at=timezone.now())


@pytest.mark.django_db
def test_each_change_after_the_start_is_told_once(feed: Feed, heard: list[str]) -> None:
    write(10)
    feed.poll()
    assert heard == []
    announce("news", "a")
    announce("other", "x")
    announce("news", "b")
    feed.poll()
    feed.poll()
    assert heard == ["a", "b"]


@pytest.mark.django_db
def test_a_row_that_appears_below_the_newest_is_told(feed: Feed, heard: list[str]) -> None:
    write(10)
    feed.poll()
    write(13)
    feed.poll()
    write(11)  # its transaction began earlier and committed later
    write(9)
    feed.poll()
    assert heard == ["13", "9", "11"]


@pytest.mark.django_db
def test_who_is_hurried_reads_what_is_new_and_the_rest_at_its_turn(
    feed: Feed, heard: list[str]
) -> None:
    write(10)
    feed.poll()
    write(13)
    feed.poll(only_newest=True)
    write(11)
    write(14)
    feed.poll(only_newest=True)
    assert heard == ["13", "14"]
    feed.poll()
    assert heard == ["13", "14", "11"]


@pytest.mark.django_db
def test_old_rows_are_not_asked_for_again(
    feed: Feed, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.poll()
    for pk in (5, 6, 7):
        write(pk)
        feed.poll()
    monkeypatch.setattr(changes, "WINDOW", -1.0)
    feed.poll()
    assert feed._low == 7
    assert feed._told == {}
    write(8)
    feed.poll()
    assert heard == ["5", "6", "7", "8"]


@pytest.mark.django_db
def test_a_new_process_looks_back_only_a_little(feed: Feed, heard: list[str]) -> None:
    write(1)
    Change.objects.update(at=timezone.now() - timedelta(hours=2))
    write(2)
    feed.poll()
    assert feed._low == 1
    assert heard == []


@pytest.mark.django_db
def test_a_listener_that_fails_does_not_stop_the_others(
    feed: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []
    feed.listen("news", int)  # type: ignore[arg-type]
    feed.listen("news", heard.append)
    feed.poll()
    announce("news", "not a number")
    feed.poll()
    assert heard == ["not a number"]
    assert "A listener to news failed" in caplog.text


@pytest.mark.django_db
def test_old_changes_are_pruned() -> None:
    write(1)
    Change.objects.update(at=timezone.now() - timedelta(minutes=61))
    write(2)
    prune()
    assert list(Change.objects.values_list("pk", flat=True)) == [2]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_told_of_what_was_rolled_back(feed: Feed, heard: list[str]) -> None:
    feed.poll()
    with pytest.raises(LookupError), transaction.atomic():
        _announce_and_fail()
    feed.poll()
    assert heard == []


def _announce_and_fail() -> None:
    announce("news", "never")
    raise LookupError


@pytest.mark.django_db
def test_a_failing_database_is_logged_once_and_heals(
    feed: Feed,
    heard: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed.poll()
    with monkeypatch.context() as broken:
        broken.setattr(connection, "close", lambda: None)  # it holds the test's transaction
        broken.setattr(Feed, "poll", _away)
        assert not feed.attempt()
        assert not feed.attempt()
    announce("news", "kept")
    assert feed.attempt()
    assert heard == ["kept"]
    assert caplog.text.count("cannot be read") == 1
    assert "are read again" in caplog.text


def _away(feed: Feed) -> None:
    raise OperationalError


@pytest.mark.django_db(transaction=True)
def test_the_thread_tells_when_hurried_and_outside_of_any_transaction(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "POLL", 60.0)
    told = threading.Event()
    states: list[bool] = []

    def callback(_subject: str) -> None:
        states.append(connection.in_atomic_block)
        told.set()

    feed.listen("news", callback)
    feed.start()
    try:
        for subject in "ab":
            told.clear()
            announce("news", subject)
            feed.hurry()
            assert told.wait(10)
    finally:
        feed.stop()
        feed.stop()
    assert states == [False, False]


def test_without_redis_a_push_is_silent() -> None:
    push = Push(None, lambda: None)
    push.start()
    push.send()
    push.stop()


def test_a_redis_that_is_away_is_not_asked_each_time(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = Push("redis://127.0.0.1:1/0", lambda: None)
    push.send()
    push.send()
    assert caplog.text.count("does not take pushes") == 1
    monkeypatch.setattr("sessions_app.push.RETRY", 0.01)
    push.start()
    wait_until(lambda: "cannot be heard" in caplog.text, seconds=3, what="the warning")
    push.stop()


@pytest.fixture
def pushes(redis_url: str) -> Iterator[tuple[Push, Push, threading.Event]]:
    woken = threading.Event()
    here, there = Push(redis_url, lambda: None), Push(redis_url, woken.set)
    there.start()
    assert woken.wait(5)  # it reads what was pushed before it listened
    woken.clear()
    yield here, there, woken
    there.stop()
    here.stop()


def test_a_push_wakes_another_process(pushes: tuple[Push, Push, threading.Event]) -> None:
    here, _there, woken = pushes
    here.send()
    assert woken.wait(10)
