"""Backtests and trainings as jobs: whose they are, what they may take, and how they end."""

import csv
import json
import threading
import uuid
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accounts.models import PlanLimit, UsageRow, User
from accounts.plans import DailyLimitReached, plan_of
from sessions_app.models import Sesion
from sessions_app.services import end_session
from sessions_app.tests.factories import NOON, a_session, a_user
from trading import lab_jobs, lab_services, lab_store, lab_terms
from trading.account import erase_trading
from trading.core.agent import write_agent
from trading.core.candle_csv import write_candles
from trading.core.replay import replay
from trading.core.strategies import strategy
from trading.core.synthetic import persistent
from trading.lab_refusals import (
    REASONS,
    BadStrategy,
    CandlesRefused,
    LabBusy,
    LabFull,
    NoEdge,
    NotTrained,
)
from trading.lab_terms import BacktestTerms, TrainingTerms
from trading.models import Agent, Backtest, CandleFile, Trials
from trading.services import start_bot
from trading.tests.factories import a_candle, a_trading_session
from trading.tests.test_agent import an_agent
from visionai.lib.jobs import JobState

pytestmark = pytest.mark.django_db
START = 1_777_809_600  # 3 May 2026, noon UTC
PAPER = {"kind": "paper", "asset": "EURUSD-OTC", "seconds": 60, "count": 600}


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr("trading.tasks.run_lab_job.apply_async", lambda **to: found.append(to))
    return found


def a_backtest(user: User, sesion: Sesion | None = None, **changes: Any) -> Backtest:
    names = {one.name for one in fields(BacktestTerms)} & set(changes)
    terms = BacktestTerms(**{name: changes.pop(name) for name in names})
    facts: dict[str, Any] = {"source": PAPER, "strategy": "reversal", "parameters": {}, "at": NOON}
    return lab_services.start_backtest(user, sesion, terms=terms, **facts | changes)


def a_done_agent(user: User, *, edge: bool = False, **fields: Any) -> Agent:
    facts: dict[str, Any] = {
        "name": "mine",
        "source": PAPER,
        "asset": "EURUSD-OTC",
        "seconds": 60,
        "minutes": 1,
        "state": JobState.DONE,
        "has_edge": edge,
        "created_at": NOON,
    }
    agent = Agent.objects.create(owner=user, **facts | fields)
    out = lab_store.work(agent.uid) / "out"
    out.mkdir(parents=True)
    (out / "agent.npz").write_bytes(write_agent(an_agent()))
    agent.made = lab_store.publish(agent.uid)
    agent.save(update_fields=["made"])
    return agent


def csv_of(count: int = 700, seed: int = 3) -> bytes:
    return write_candles(persistent(count, seed=seed)).encode()


@pytest.mark.django_db(transaction=True)
def test_a_backtest_runs_in_its_child_and_leaves_its_files(sent: list[Any]) -> None:
    user = a_user()
    job = a_backtest(user, limits={"trades_per_hour": 10}, stake=Decimal("2.50"))
    assert sent == [{"args": ["backtest", str(job.uid)], "queue": "heavy"}]
    lab_jobs.run("backtest", str(job.uid))
    job.refresh_from_db()
    assert (job.state, job.error, job.progress) == (JobState.DONE, {}, 1.0)
    assert [name for name, _ in job.files()] == [
        "candles.csv",
        "chart.json",
        "equity.csv",
        "recording.jsonl",
        "trades.csv",
    ]
    with lab_services.file_of(job, "trades.csv").open() as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == job.result["trades"] > 5
    assert sum(Decimal(row["profit"]) for row in rows) == Decimal(job.result["profit"])
    assert {row["stake"] for row in rows} == {"2.50"}
    assert job.result["refused"]["trades_per_hour"] > 0
    chart = json.loads(lab_services.file_of(job, "chart.json").read_text())
    assert len(chart["candles"]) == 600
    assert len(chart["trades"]) == len(rows)
    with lab_services.file_of(job, "recording.jsonl").open("rb") as lines:
        assert replay(lines, strategy).same
    assert not lab_store.work(job.uid).exists()
    mode = lab_services.file_of(job, "trades.csv").stat().st_mode
    assert mode & 0o077 == 0
    assert UsageRow.objects.filter(user=user, act="backtest").count() == 1


def test_candles_of_a_user_are_kept_as_we_write_them_and_tested() -> None:
    user = a_user()
    row = lab_services.upload_candles(user, filename="C:\\x\\My USD.csv", data=csv_of(), at=NOON)
    assert (row.filename, row.asset, row.seconds, row.count) == ("My USD.csv", "My USD", 60, 700)
    job = a_backtest(user, source={"kind": "file", "file": str(row.uid)})
    lab_jobs.run("backtest", str(job.uid))
    job.refresh_from_db()
    assert (job.state, job.result["candles"], job.asset) == (JobState.DONE, 700, "My USD")
    lab_services.delete_candles(row)
    assert not lab_store.candles(row.uid).exists()


def test_candles_that_nodes_heard_can_be_tested() -> None:
    for minute in range(120):
        a_candle(60 * minute)
    job = a_backtest(
        a_user(),
        source={"kind": "recorded", "broker": "paper", "asset": "EURUSD-OTC", "seconds": 60},
    )
    lab_jobs.run("backtest", str(job.uid))
    job.refresh_from_db()
    assert (job.state, job.result["candles"]) == (JobState.DONE, 120)


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("x.exe", csv_of(), "bad_name"),
        (".csv", csv_of(), "bad_name"),
        ("a\0b.csv", csv_of(), "bad_name"),
        ("x.csv", b"\0" * (16 * 2**20 + 1), "file_too_large"),
        ("x.csv", b"<html>", "not_a_price"),
        ("x.csv", csv_of(99), "too_few"),
    ],
)
def test_a_file_that_is_no_candles_leaves_nothing(name: str, data: bytes, why: str) -> None:
    with pytest.raises(CandlesRefused) as refused:
        lab_services.upload_candles(a_user(), filename=name, data=data, at=NOON)
    if why != "not_a_price":
        assert refused.value.facts["why"] == why
    assert refused.value.sentence() not in REASONS, "it is worded"
    assert not CandleFile.objects.exists()


def test_a_user_has_so_many_files_and_one_of_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_services, "MOST_FILES", 2)
    user = a_user()
    lab_services.upload_candles(user, filename="a.csv", data=csv_of(), at=NOON)
    with pytest.raises(CandlesRefused, match="bad_candles"):
        lab_services.upload_candles(user, filename="a.csv", data=csv_of(), at=NOON)
    lab_services.upload_candles(user, filename="b.csv", data=csv_of(), at=NOON)
    with pytest.raises(LabFull):
        lab_services.upload_candles(user, filename="c.csv", data=csv_of(), at=NOON)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({}, "bad_source"),
        ("paper", "bad_source"),
        ({"kind": "file", "file": "../../x"}, "bad_source"),
        ({"kind": "file", "file": str(uuid.uuid4())}, "bad_source"),
        ({"kind": "http", "url": "http://x"}, "bad_source"),
        (PAPER | {"seed": 1}, "bad_source"),
        (PAPER | {"asset": "DOGE"}, "unknown_asset"),
        (PAPER | {"asset": ["EURUSD"]}, "bad_source"),
        (PAPER | {"seconds": 61}, "odd_size"),
        (PAPER | {"seconds": "60"}, "bad_value"),
        (PAPER | {"count": 10**9}, "too_many"),
        (PAPER | {"count": 50_000, "seconds": 300}, "too_many"),
        (PAPER | {"count": 5}, "too_few"),
        (PAPER | {"start": 60}, "bad_value"),
        (PAPER | {"start": 1_700_000_001}, "bad_value"),
        (PAPER | {"start": 10**12}, "bad_value"),
        ({"kind": "recorded", "broker": "x", "asset": "a", "seconds": 60}, "bad_source"),
        ({"kind": "recorded", "broker": "paper", "asset": "a", "seconds": 60}, "too_few"),
    ],
)
def test_a_source_that_is_none_is_refused(source: Any, why: str) -> None:
    with pytest.raises(CandlesRefused) as refused:
        a_backtest(a_user(), source=source)
    assert refused.value.facts["why"] == why


@pytest.mark.parametrize(
    "changes",
    [
        {"minutes": 7},
        {"minutes": 0},
        {"minutes": 1, "source": PAPER | {"seconds": 300}},
        {"stake": Decimal("NaN")},
        {"stake": Decimal(0)},
        {"stake": Decimal("1.005")},
        {"stake": "much"},
        {"payout": Decimal(3)},
        {"balance": Decimal("-1")},
        {"slippage": float("nan")},
        {"slippage": True},
        {"limits": {"stake": "-1"}},
        {"limits": {"open_positions": 1.5}},
        {"limits": {"money": 1}},
    ],
)
def test_what_makes_no_backtest_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CandlesRefused):
        a_backtest(a_user(), **changes)
    assert not Backtest.objects.exists()


def test_parameters_are_checked_before_a_job_waits() -> None:
    with pytest.raises(BadStrategy) as refused:
        a_backtest(a_user(), strategy="rsi", parameters={"period": 1})
    assert refused.value.facts["why"] == "out_of_range"
    assert all(word in refused.value.sentence() for word in ("period", "2", "100"))


def test_a_stranger_has_neither_the_file_nor_the_agent() -> None:
    owner, stranger = a_user(), a_user()
    row = lab_services.upload_candles(owner, filename="a.csv", data=csv_of(), at=NOON)
    agent = a_done_agent(owner)
    with pytest.raises(CandlesRefused):
        a_backtest(stranger, source={"kind": "file", "file": str(row.uid)})
    with pytest.raises(BadStrategy):
        a_backtest(stranger, strategy="agent", parameters={"agent": str(agent.uid)})
    for model in (Agent, Backtest, CandleFile):
        assert not model.objects.owned_by(stranger).exists()
    with pytest.raises(BadStrategy):
        lab_services.promote(agent, a_trading_session(stranger), at=NOON)


def test_one_runs_at_a_time_and_plans_count(sent: list[Any]) -> None:
    user = a_user()
    job = a_backtest(user)
    with pytest.raises(LabBusy):
        a_backtest(user)
    a_backtest(a_user())
    assert lab_services.cancel(job, at=NOON)
    plan = plan_of(user)
    plan.save()
    PlanLimit.objects.update_or_create(plan=plan, name="backtests_a_day", defaults={"most": 0})
    with pytest.raises(DailyLimitReached):
        a_backtest(user)


def test_each_trial_counts_even_one_that_was_deleted() -> None:
    user = a_user()
    for number in (1, 2, 3):
        job = a_backtest(user)
        assert job.asked["tried"] == number
        lab_services.delete(job)
    other = a_backtest(user, source=PAPER | {"asset": "GBPUSD-OTC"})
    assert other.asked["tried"] == 1
    assert Trials.objects.get(owner=user, market="EURUSD-OTC:60:1").count == 3


def test_a_backtest_of_an_agent_uses_its_weights() -> None:
    user = a_user()
    agent = a_done_agent(user)
    job = a_backtest(user, strategy="agent", parameters={"agent": str(agent.uid)})
    lab_jobs.run("backtest", str(job.uid))
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.error
    assert job.result["trades"] > 10
    # It does not say from when to when it learned, so nothing is new to it.
    assert "seen_in_training" in job.result["verdict"]["reasons"]
    assert job.result["verdict"]["edge"] is False


@pytest.mark.parametrize(("later", "seen"), [(-1, True), (0, False)])
def test_what_an_agent_learned_from_is_no_trial_of_it(later: int, seen: bool) -> None:
    user = a_user()
    learned = [START - 3600, START - later]
    agent = a_done_agent(user, result={"learned": learned})
    job = a_backtest(
        user,
        strategy="agent",
        parameters={"agent": str(agent.uid)},
        source=PAPER | {"start": START},
    )
    lab_jobs.run("backtest", str(job.uid))
    job.refresh_from_db()
    assert (job.result["from"], job.state) == (START, JobState.DONE)
    assert ("seen_in_training" in job.result["verdict"]["reasons"]) is seen


def test_an_agent_that_is_gone_fails_its_backtest() -> None:
    user = a_user()
    agent = a_done_agent(user)
    job = a_backtest(user, strategy="agent", parameters={"agent": str(agent.uid)})
    lab_services.delete(agent)
    lab_jobs.run("backtest", str(job.uid))
    job.refresh_from_db()
    assert (job.state, job.error["code"]) == (JobState.FAILED, "no_agent")


def test_promotion_needs_an_edge_where_money_is_real(settings: Any) -> None:
    user = a_user()
    plain, good = a_done_agent(user), a_done_agent(user, edge=True)
    practice, real = a_trading_session(user), a_trading_session(user, account_type="REAL")
    found = lab_services.promote(plain, practice, at=NOON)
    assert (found.strategy, found.parameters) == ("agent", {"agent": str(plain.uid)})
    with pytest.raises(NoEdge):
        lab_services.promote(plain, real, at=NOON)
    assert lab_services.promote(good, real, at=NOON).strategy == "agent"
    waiting = Agent.objects.create(
        owner=user, name="x", source={}, asset="x", seconds=60, minutes=1, created_at=NOON
    )
    with pytest.raises(NotTrained):
        lab_services.promote(waiting, practice, at=NOON)


def test_a_bot_starts_with_an_agent_of_its_own_market_alone() -> None:
    user = a_user()
    agent = a_done_agent(user)
    session = a_trading_session(user, bot_asset="EURUSD-OTC")
    parameters = {"agent": str(agent.uid)}
    started = start_bot(session, strategy="agent", parameters=parameters, at=NOON)
    assert started.bot_wanted
    with pytest.raises(BadStrategy):
        start_bot(session, candle_seconds=300, minutes=5, at=NOON)
    with pytest.raises(BadStrategy):
        start_bot(session, strategy="martingale", parameters={}, at=NOON)
    with pytest.raises(BadStrategy):
        start_bot(session, parameters={"agent": str(a_done_agent(a_user()).uid)}, at=NOON)


def test_a_file_that_was_changed_on_the_disk_is_no_agent() -> None:
    user = a_user()
    agent = a_done_agent(user)
    lab_services.file_of(agent, "agent.npz").write_bytes(b"PK")
    with pytest.raises(NotTrained):
        lab_services.strategy_for(user, "agent", {"agent": str(agent.uid)})


@pytest.mark.parametrize("name", ["../agent.npz", "request.json", "", "/etc/passwd"])
def test_only_files_that_were_made_are_given(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        lab_services.file_of(a_done_agent(a_user()), name)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_cancelled_ends_with_its_child() -> None:
    job = a_backtest(a_user(), source=PAPER | {"count": 40_000}, strategy="rsi")
    worker = threading.Thread(target=_run, args=(str(job.uid),))
    worker.start()
    wait = threading.Event()
    for _ in range(300):
        job.refresh_from_db()
        if job.progress > 0.01:
            break
        wait.wait(0.1)
    assert job.state == JobState.RUNNING
    assert lab_services.cancel(job, at=NOON)
    worker.join(timeout=20)
    assert not worker.is_alive()
    job.refresh_from_db()
    assert (job.state, job.made) == (JobState.CANCELLED, [])
    assert not lab_store.work(job.uid).exists()


def _run(uid: str) -> None:
    from django.db import connection

    try:
        lab_jobs.run("backtest", uid)
    finally:
        connection.close()


def test_a_login_that_was_taken_back_takes_its_jobs_along() -> None:
    user = a_user()
    sesion = a_session(user)
    job = a_backtest(user, sesion)
    end_session(sesion, reason=Sesion.EndReason.REVOKED_BY_USER, at=NOON)
    lab_jobs.run("backtest", str(job.uid))
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_job_whose_worker_died_is_sent_again_and_given_up_in_the_end(sent: list[Any]) -> None:
    job = a_backtest(a_user())
    sent.clear()
    long_ago = NOON - timedelta(days=1)
    rows = Backtest.objects.filter(pk=job.pk)
    rows.update(state=JobState.RUNNING, heartbeat_at=long_ago, attempts=3)
    assert lab_jobs.send_silent_again(at=NOON) == 1
    assert sent == [{"args": ["backtest", str(job.uid)], "queue": "heavy"}]
    lab_jobs.run("backtest", str(job.uid))
    job.refresh_from_db()
    assert (job.state, job.error["code"]) == (JobState.FAILED, "lost")


def test_an_account_that_is_erased_leaves_no_file(folder: Path) -> None:
    user = a_user()
    lab_services.upload_candles(user, filename="a.csv", data=csv_of(), at=NOON)
    a_done_agent(user)
    erase_trading(user)
    left = [path for path in (folder / "trading").rglob("*") if path.is_file()]
    assert left == []
    assert not Agent.objects.exists()


def test_a_training_ends_as_an_agent_that_can_be_promoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way with Keras, from one seed and in two folds."""
    monkeypatch.setattr(lab_terms, "SEEDS", 1)
    monkeypatch.setattr(lab_terms, "FOLDS", 2)
    user = a_user()
    enough = PAPER | {"count": 3000}
    job = lab_services.start_training(
        user, None, name="first", source=enough, terms=TrainingTerms(), at=NOON
    )
    lab_jobs.run("agent", str(job.uid))
    job.refresh_from_db()
    assert job.state == JobState.DONE, job.error
    assert job.has_edge is False
    assert "few_seeds" in job.result["verdict"]["reasons"]
    first, end = job.result["learned"]
    assert end - first == 3000 * 60
    assert [name for name, _ in job.files()] == ["agent.npz", "evaluation.json"]
    session = lab_services.promote(job, a_trading_session(user), at=NOON)
    assert session.strategy == "agent"
    assert UsageRow.objects.filter(user=user, act="training").count() == 1


def test_too_few_candles_make_no_training() -> None:
    enough = PAPER | {"count": 3000}
    wrong = [("x", PAPER, 1), (" ", enough, 1), ("x", enough, -1), ("x", enough, True)]
    for name, source, seed in wrong:
        with pytest.raises(CandlesRefused):
            lab_services.start_training(
                a_user(), None, name=name, source=source, terms=TrainingTerms(seed=seed), at=NOON
            )
