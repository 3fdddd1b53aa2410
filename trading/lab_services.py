"""What may happen where strategies are tried: candles come, backtests and trainings run as jobs.

A backtest's `result` is `core.backtest.summary`; its files are candles.csv, trades.csv, equity.csv,
chart.json (the last candles, their trades and the equity line) and recording.jsonl (see
`core.replay`). An agent's `result` is `core.evaluation.Evaluation.as_json` with its terms and
`always_holds`; its files are agent.npz and evaluation.json.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.acts import BACKTESTS_A_DAY, TRAININGS_A_DAY
from accounts.models import User
from accounts.plans import check_quota
from sessions_app.models import Sesion
from trading import lab_sources, lab_store
from trading.core.agent import BadAgent, TrainedAgent, read_agent
from trading.core.candle_csv import FILE_BYTES, BadCandles, read_candles, write_candles
from trading.core.market import Strategy
from trading.core.strategies import Agent as AgentStrategy
from trading.core.strategies import BadParameters, strategy
from trading.core.strategies import checked as checked_parameters
from trading.lab_refusals import (
    BadStrategy,
    CandlesRefused,
    LabBusy,
    LabFull,
    NoEdge,
    NotTrained,
)
from trading.lab_terms import BacktestTerms, TrainingTerms
from trading.models import Agent, Backtest, CandleFile, TradingSession, Trials
from visionai.lib.jobs import ENDED, JobState

AnyJob = Backtest | Agent
MOST_FILES: Final = 20
MOST_JOBS: Final = 100  # of each kind
FEWEST_TO_TRAIN: Final = 3000
FILENAME: Final = re.compile(r"[\w .()+-]{1,110}\.csv", re.IGNORECASE)


def upload_candles(user: User, *, filename: str, data: bytes, at: datetime) -> CandleFile:
    """Keep candles; the asset is the file's name. Raises `CandlesRefused` and `LabFull`."""
    name = Path(filename.replace("\\", "/")).name.strip()
    if not FILENAME.fullmatch(name):
        raise CandlesRefused("bad_name")
    mine = CandleFile.objects.owned_by(user)
    if mine.filter(filename=name).exists():
        raise CandlesRefused("name_taken")
    if mine.count() >= MOST_FILES:
        raise LabFull(most=MOST_FILES, what="CSV")
    if len(data) > FILE_BYTES:
        raise CandlesRefused("file_too_large")
    try:
        found = read_candles(data, asset=name[: -len(".csv")][:40])
    except BadCandles as error:
        raise CandlesRefused(error.code, **error.facts) from error
    if len(found) > lab_sources.MOST_CANDLES:
        raise CandlesRefused("too_many", most=lab_sources.MOST_CANDLES)
    text = write_candles(found).encode()  # as we write it, whatever else the file held
    row = CandleFile(
        owner=user,
        filename=name,
        asset=found.asset,
        seconds=found.seconds,
        count=len(found),
        first_start=int(found.start[0]),
        last_start=int(found.start[-1]),
        size=len(text),
        created_at=at,
    )
    lab_store.write_private(lab_store.candles(row.uid), text)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        lab_store.candles(row.uid).unlink(missing_ok=True)
        raise CandlesRefused("name_taken") from error
    return row


def delete_candles(row: CandleFile) -> None:
    path = lab_store.candles(row.uid)
    row.delete()
    path.unlink(missing_ok=True)


def start_backtest(
    user: User,
    sesion: Sesion | None,
    *,
    source: Mapping[str, Any],
    strategy: str,
    parameters: Mapping[str, Any],
    minutes: int = 1,
    terms: BacktestTerms,
    at: datetime,
) -> Backtest:
    """Queue a backtest.

    Raises `CandlesRefused`, `BadStrategy`, `NotTrained`, `LabBusy`, `LabFull` and what
    `accounts.plans.check_quota` raises.
    """
    market = _market(user, source, minutes=minutes, at=at)
    strategy_for(user, strategy, parameters, seconds=market["seconds"])
    job = Backtest(
        owner=user,
        sesion=sesion,
        **market,
        strategy=strategy,
        parameters=checked_parameters(strategy, parameters),
        asked=terms.checked(),
        created_at=at,
    )
    _queue(user, job, limit=BACKTESTS_A_DAY.name, at=at)
    return job


def start_training(
    user: User,
    sesion: Sesion | None,
    *,
    name: str,
    source: Mapping[str, Any],
    minutes: int = 1,
    terms: TrainingTerms,
    at: datetime,
) -> Agent:
    """Queue a training with its evaluation. Raises as `start_backtest` does."""
    market = _market(user, source, minutes=minutes, at=at)
    count = market["source"].get("count", FEWEST_TO_TRAIN)
    if count < FEWEST_TO_TRAIN:
        raise CandlesRefused("too_few", least=FEWEST_TO_TRAIN, found=count)
    if not 0 < len(name.strip()) <= 60:
        raise CandlesRefused("bad_value", name="name")
    job = Agent(
        owner=user,
        sesion=sesion,
        **market,
        name=name.strip(),
        asked=terms.checked(),
        created_at=at,
    )
    _queue(user, job, limit=TRAININGS_A_DAY.name, at=at)
    return job


def _market(user: User, source: Mapping[str, Any], *, minutes: int, at: datetime) -> dict[str, Any]:
    """What it is tried on, as a job keeps it. Raises `CandlesRefused`."""
    candles = lab_sources.checked(user, source, at=at)
    lab_sources.check_expiry(candles["seconds"], minutes)
    about = {name: candles[name] for name in ("asset", "seconds")}
    return {"source": candles, "minutes": minutes, **about}


def _queue(user: User, job: AnyJob, *, limit: str, at: datetime) -> None:
    """One at a time, and each counted before it is seen."""
    from trading.tasks import run_lab_job  # the task calls this app

    kind = kind_of(job)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        for model in (Backtest, Agent):
            running = model.objects.owned_by(user).exclude(state__in=ENDED).first()
            if running is not None:
                raise LabBusy(uid=str(running.uid))
        if type(job).objects.owned_by(user).count() >= MOST_JOBS:
            raise LabFull(most=MOST_JOBS, what=str(job._meta.verbose_name_plural))
        check_quota(user, limit, at=at)
        market = f"{job.asset}:{job.seconds}:{job.minutes}"
        trials, _ = Trials.objects.get_or_create(owner=user, market=market)
        trials.count += 1
        trials.save(update_fields=["count"])
        job.asked = {**job.asked, "tried": trials.count}
        job.save(force_insert=True)
        uid = str(job.uid)
        transaction.on_commit(lambda: run_lab_job.apply_async(args=[kind, uid], queue="heavy"))


def kind_of(job: AnyJob) -> str:
    return "backtest" if isinstance(job, Backtest) else "agent"


def strategy_for(
    user: User,
    name: str,
    parameters: Mapping[str, Any],
    *,
    seconds: int | None = None,
    minutes: int | None = None,
    real: bool = False,
) -> Strategy:
    """A strategy to ask, with the weights of the user's own agent where it needs them.

    Reads files. Raises `BadStrategy`, `NotTrained`, and `NoEdge` for an agent without a
    demonstrated edge where the money is real.
    """

    def policy(uid: str) -> TrainedAgent:
        agent = agent_of(user, uid)
        if real and not agent.has_edge:
            raise NoEdge
        if seconds is not None and agent.seconds != seconds:
            raise BadStrategy("other_market", trained=agent.seconds)
        if minutes is not None and agent.minutes != minutes:
            raise BadStrategy("other_expiry", trained=agent.minutes)
        try:
            return read_agent(file_of(agent, "agent.npz").read_bytes())
        except (OSError, BadAgent) as error:
            raise NotTrained from error

    try:
        return strategy(name, parameters, policies=policy)
    except BadParameters as error:
        raise BadStrategy(error.code, **error.facts) from error


def agent_of(user: User, uid: object) -> Agent:
    """A trained agent of the user's. Raises `BadStrategy` and `NotTrained`."""
    try:
        found = Agent.objects.owned_by(user).filter(uid=UUID(str(uid))).first()
    except ValueError:
        found = None
    if found is None:
        raise BadStrategy("no_agent")
    if found.state != JobState.DONE:
        raise NotTrained
    return found


@transaction.atomic
def promote(agent: Agent, session: TradingSession, *, at: datetime) -> TradingSession:
    """Have a session's bot follow the agent; with real money it needs a demonstrated edge.

    A bot that runs goes on with it. Both must be one user's: the caller looked for them so.
    Raises `NotTrained`, `NoEdge` and `BadStrategy`.
    """
    from trading.events import emit_bot

    row = TradingSession.objects.select_for_update().get(pk=session.pk)
    parameters = {AgentStrategy.name: str(agent.uid)}
    strategy_for(row.user, AgentStrategy.name, parameters, real=row.is_real)
    row.strategy, row.parameters = AgentStrategy.name, parameters
    row.bot_minutes, row.candle_seconds = agent.minutes, agent.seconds
    row.last_used_at = at
    row.save()
    emit_bot(row, at=at)
    return row


def file_of(job: AnyJob, name: str) -> Path:
    """The path of a file that the job made. Raises `FileNotFoundError` for any other name."""
    if name not in {one for one, _ in job.files()}:
        raise FileNotFoundError(name)
    return lab_store.published(job.uid) / name


def cancel(job: AnyJob, *, at: datetime) -> bool:
    """Ask a job to end; one that waits ends at once. False where it had ended."""
    rows = type(job).objects.filter(pk=job.pk)
    if rows.filter(state=JobState.QUEUED).update(
        state=JobState.CANCELLED, wants_cancel=True, ended_at=at
    ):
        return True
    return bool(rows.filter(state=JobState.RUNNING).update(wants_cancel=True))


def delete(job: AnyJob) -> None:
    """Forget a job and its files; a child of it ends when it finds its row gone."""
    uid = job.uid
    job.delete()
    lab_store.forget(uid)


def erase_of(user: User) -> None:
    """All that is theirs, rows and files."""
    for row in CandleFile.objects.owned_by(user):
        delete_candles(row)
    for model in (Backtest, Agent):
        for job in model.objects.owned_by(user):
            delete(job)
    Trials.objects.filter(owner=user).delete()
