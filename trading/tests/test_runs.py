"""Past runs of a bot: listed, taken along and gone through again, by their owner alone."""

import json
from datetime import UTC, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tests.sockets import a_token
from trading import replays
from trading.cleaning import clean_up
from trading.core.replay import replay
from trading.core.strategies import strategy
from trading.models import BotLook, BotRun, Replay, TradingSession
from trading.refusals import Conflict
from trading.tests.rows import NOON
from trading.tests.test_logbook import body_of
from trading.tests.test_recordings import Run, a_bot_session, market
from visionai.lib.jobs import ATTEMPTS, JobState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr("trading.tasks.run_replay.apply_async", lambda **to: found.append(to))
    return found


@pytest.fixture
def ran() -> Run:
    """A run that ended at its limit of trades an hour."""
    return Run(a_bot_session(trades_per_hour=6), market()).go()


def run_of(ran: Run) -> BotRun:
    return BotRun.objects.get(pk=ran.run_id)


def api(user: User) -> Client:
    token = a_token(a_session(user, kind=Sesion.Kind.API, at=timezone.now()))
    return Client(headers={"authorization": f"Bearer {token}"})


def paths(ran: Run) -> list[tuple[str, str]]:
    one = f"/api/v1/trading/sessions/{ran.session.pk}/runs"
    return [
        ("GET", one),
        ("GET", f"{one}/{ran.run_id}/recording.jsonl"),
        ("POST", f"{one}/{ran.run_id}/replay"),
        ("GET", f"{one}/{ran.run_id}/replay"),
    ]


def pages(ran: Run) -> list[tuple[str, str]]:
    one = f"/trading/sesiones/{ran.session.pk}/pasadas/"
    tails = [("POST", "repetir/"), ("GET", "avance/"), ("GET", "grabacion/")]
    return [("GET", one), *[(method, f"{one}{ran.run_id}/{tail}") for method, tail in tails]]


def test_a_run_is_listed_with_its_plan_and_what_came_of_it(ran: Run) -> None:
    owner = api(ran.session.user)
    [run] = owner.get(paths(ran)[0][1]).json()["runs"]
    assert (run["id"], run["strategy"], run["stake"], run["looks"]) == (
        ran.run_id,
        "reversal",
        "10.00",
        70,
    )
    assert run["commands"] == ran.said.count(b"\n")
    assert run["refused"] == {"trades_per_hour": len(ran.refused)}
    assert run["last_look_at"] == "2026-11-23T13:10:00.200000Z"
    assert run["replay"] is None


def test_the_record_of_a_run_is_a_file_that_can_be_gone_through(ran: Run) -> None:
    answer = api(ran.session.user).get(paths(ran)[1][1])
    record = body_of(answer).encode()
    assert record == ran.recording
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith('attachment; filename="run-PRACTICE-')
    assert replay(record.splitlines(), strategy).same


def test_a_replay_is_asked_for_done_by_a_worker_and_shown(
    ran: Run, sent: list[Any], settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    owner, path = api(ran.session.user), paths(ran)[2][1]
    assert owner.get(path).status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        asked = owner.post(path)
        assert asked.status_code == 202
        assert owner.post(path).json()["uid"] == asked.json()["uid"]  # it is on its way
    assert sent == [{"args": [asked.json()["uid"]], "queue": "heavy"}]
    replays.run(asked.json()["uid"])
    replays.run(asked.json()["uid"])  # a second worker finds it done
    told = owner.get(path).json()
    assert (told["state"], told["error"]) == ("done", None)
    assert told["result"] == {
        "same": True,
        "looks": 70,
        "commands": ran.said.count(b"\n"),
        "refused": len(ran.refused),
        "difference": None,
    }
    page = Client()
    page.force_login(ran.session.user)
    assert "Idéntica: 70 miradas" in page.get(pages(ran)[0][1]).content.decode()


def test_the_first_difference_is_told(ran: Run) -> None:
    third = BotLook.objects.filter(run=ran.run_id, said="order")[2]
    assert third.command is not None
    third.command |= {"confidence": 0.999}
    third.save()
    job = replays.start_replay(run_of(ran), at=NOON)
    replays.run(str(job.uid))
    told = api(ran.session.user).get(paths(ran)[3][1]).json()["result"]
    assert (told["same"], told["difference"]["line"]) == (False, 3)
    assert json.loads(told["difference"]["recorded"])["confidence"] == 0.999
    assert json.loads(told["difference"]["found"])["confidence"] < 0.999
    page = Client()
    page.force_login(ran.session.user)
    text = page.get(pages(ran)[0][1]).content.decode()
    assert "Distinta a partir de la línea 3" in text
    assert "0.999" in text


def test_one_replay_at_a_time_and_five_are_kept(ran: Run) -> None:
    for _number in range(7):
        job = replays.start_replay(run_of(ran), at=NOON)
        replays.run(str(job.uid))
    assert run_of(ran).replays.count() == 5
    replays.start_replay(run_of(ran), at=NOON)
    other = BotRun.objects.create(
        session=ran.session, started_at=NOON, plan=run_of(ran).plan, limits={}, seq=0
    )
    with pytest.raises(Conflict):
        replays.start_replay(other, at=NOON)
    answer = api(ran.session.user).post(
        f"/api/v1/trading/sessions/{ran.session.pk}/runs/{other.pk}/replay"
    )
    assert (answer.status_code, answer.json()["reason"]) == (409, "replay_busy")


def test_a_replay_whose_worker_died_is_sent_again_and_not_forever(
    ran: Run, sent: list[Any]
) -> None:
    job = replays.start_replay(run_of(ran), at=NOON)
    later = NOON + timedelta(minutes=1)
    assert replays.send_silent_again(at=later) == 1
    Replay.objects.filter(pk=job.pk).update(attempts=ATTEMPTS)
    replays.run(str(job.uid))
    job.refresh_from_db()
    assert (job.state, job.error["code"]) == (JobState.FAILED, "lost")
    assert replays.send_silent_again(at=later) == 0


def test_a_record_that_nobody_can_read_fails_and_says_so(ran: Run) -> None:
    plan = run_of(ran).plan
    BotRun.objects.filter(pk=ran.run_id).update(
        plan={**plan, "strategy": "agent", "parameters": {"agent": str(uuid4())}}
    )
    job = replays.start_replay(run_of(ran), at=NOON)
    replays.run(str(job.uid))
    owner = api(ran.session.user)
    assert owner.get(paths(ran)[3][1]).json()["state"] == "failed"
    assert owner.get(paths(ran)[1][1]).status_code == 422
    page = Client()
    page.force_login(ran.session.user)
    assert "agentes entrenados" in page.get(pages(ran)[0][1]).content.decode()
    assert page.get(pages(ran)[3][1]).status_code == 302
    BotRun.objects.filter(pk=ran.run_id).update(plan=plan)
    BotLook.objects.filter(run=ran.run_id).update(candles=[[1, 2]])
    job = replays.start_replay(run_of(ran), at=NOON)
    replays.run(str(job.uid))
    job.refresh_from_db()
    assert job.error["code"] == "internal"


def test_strangers_and_nobody_find_no_run(ran: Run) -> None:
    stranger, other = a_user(), a_bot_session()
    client = api(stranger)
    browser = Client()
    browser.force_login(stranger)
    for method, path in paths(ran):
        assert client.generic(method, path).status_code == 404, path
        assert Client().generic(method, path).status_code == 401, path
    for method, path in pages(ran):
        assert browser.generic(method, path).status_code == 404, path
        assert Client().generic(method, path).status_code == 302, path
    # A run of one's own under a session that it does not belong to is not there, either.
    mine = api(other.user)
    foreign = f"/api/v1/trading/sessions/{other.pk}/runs/{ran.run_id}/replay"
    assert mine.post(foreign).status_code == 404
    assert not Replay.objects.exists()


def test_the_page_without_a_run_says_what_to_do(client: Client) -> None:
    session = a_bot_session()
    client.force_login(session.user)
    text = client.get(f"/trading/sesiones/{session.pk}/pasadas/").content.decode()
    assert "El bot aún no se ha ejecutado" in text


def test_the_page_follows_a_replay_that_goes(ran: Run, client: Client) -> None:
    client.force_login(ran.session.user)
    assert client.post(pages(ran)[1][1]).status_code == 302
    assert 'id="running"' in client.get(pages(ran)[0][1]).content.decode()
    assert client.get(pages(ran)[2][1]).json()["state"] == "queued"


def test_runs_go_after_thirty_days_without_a_look(ran: Run) -> None:
    last = NOON + timedelta(minutes=70)
    clean_up(at=last.astimezone(UTC) + timedelta(days=29, hours=23))
    assert BotRun.objects.count() == 1
    clean_up(at=last + timedelta(days=30, minutes=1))
    assert BotRun.objects.count() == BotLook.objects.count() == 0
    assert TradingSession.objects.exists()
