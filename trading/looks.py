"""A bot's looks, written down with all that they hang on: see `recordings`.

A look that asks for nothing is written with those of other bots, soon after; one that came to the
gate in the gate's own transaction, so that an order never stands there without its look.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final

from accounts.plans import DailyLimitReached
from trading.core.bot import Command, is_late
from trading.core.market import Candles
from trading.events import emit_bot, emit_log
from trading.feeds import Feed
from trading.gate import Passage
from trading.limits import limits_data, session_limits_of
from trading.models import BotLook, BotRun, TradingSession
from trading.order_flow import Owner
from trading.ownership import owned
from trading.refusals import RiskLimit, short_code
from visionai.lib.errors import DomainError

Said = BotLook.Said
NOT_OURS: Final = "fenced"  # a node that was overtaken writes nothing


@dataclass(frozen=True, slots=True)
class Look:
    """One, as it is written."""

    run_id: int
    start: int
    clock: float
    said: str
    anew: bool
    candles: list[list[float]]


@dataclass
class Looks:
    """Of one bot in its node's loop: which of the candles that it saw are written down."""

    run_id: int
    needs: int
    _begun: int = -1  # of the feed, as the newest written look saw it
    _kept: int = -1  # the newest candle that is written
    _pending: dict[int, int] = field(default_factory=dict)  # start → begun, until it is written

    def look(self, feed: Feed, candles: Candles, *, now: float) -> Look:
        """Whatever comes of it; `said` is right where nothing does."""
        seen = len(candles)
        first = int(candles.start.searchsorted(self._kept, side="right"))
        anew = feed.begun != self._begun or seen - first > self.needs or first == 0
        if anew:
            first = max(0, seen - self.needs)
        columns = (candles.start, candles.open, candles.high, candles.low, candles.close)
        rows = zip(*(one[first:].tolist() for one in columns), strict=True)
        start = int(candles.start[-1])
        self._pending[start] = feed.begun
        said = Said.LATE if is_late(candles, now=now) else Said.HOLD
        return Look(self.run_id, start, now, said, anew, [list(row) for row in rows])

    def written(self, look: Look) -> None:
        begun = self._pending.pop(look.start, None)
        if begun is not None and (begun, look.start) > (self._begun, self._kept):
            self._begun, self._kept = begun, look.start


def begin_run(owner: Owner, *, at: datetime) -> int:
    """The bot runs: the number of its run, the same one again for a node that goes on with it."""
    with owned(owner.session_id, owner.fence) as session:
        told = plan_data(session)
        last = session.runs.first()
        started_at = session.bot_started_at or at
        if last is None or (last.started_at, last.plan) != (started_at, told):
            last = BotRun.objects.create(
                session=session,
                started_at=started_at,
                plan=told,
                limits=limits_data(session_limits_of(session), at=at),
                seq=session.event_seq,
            )
        if not session.bot_running:
            session.bot_running = True
            session.save(update_fields=["bot_running"])
            emit_bot(session, at=at)
        return last.pk


def plan_data(session: TradingSession) -> dict[str, object]:
    return {
        "strategy": session.strategy,
        "parameters": session.parameters,
        "asset": session.bot_asset,
        "seconds": session.candle_seconds,
        "stake": f"{session.bot_stake:.2f}",
        "minutes": session.bot_minutes,
    }


def write(looks: Iterable[Look]) -> None:
    """Those that asked for nothing; of runs that were erased meanwhile nothing is kept."""
    found = list(looks)
    runs = BotRun.objects.filter(pk__in={one.run_id for one in found})
    there = set(runs.values_list("pk", flat=True))
    rows = [BotLook(**asdict(one)) for one in found if one.run_id in there]
    BotLook.objects.bulk_create(rows)


def write_passage(look: Look, command: Command, passage: Passage) -> None:
    """One that came to the gate, in the gate's transaction."""
    refusal, at = passage.refusal, passage.order.created_at
    why = "" if refusal is None else short_code(refusal)
    if why == NOT_OURS:
        return
    said = Said.REFUSED if refusal else Said.ORDER if passage.is_new else Said.AGAIN
    told = asdict(look) | {"said": said, "why": why[:40], "command": command.as_json()}
    if refusal is not None:
        told["outside"] = _outside(refusal)
    BotLook.objects.create(**told, at=at.timestamp(), seq=passage.seq)
    if said == Said.ORDER:
        emit_log(
            passage.session,
            "bot_order",
            at=at,
            reason=command.reason,
            confidence=round(command.confidence, 6),
            command=command.as_json(),
        )


def _outside(refusal: DomainError) -> str:
    """Whether something else than the session's limits refused, and in which order."""
    if isinstance(refusal, DailyLimitReached):
        return "after"
    scope = refusal.facts.get("scope") if isinstance(refusal, RiskLimit) else None
    return {"session": "", "user": "after"}.get(str(scope), "before")
