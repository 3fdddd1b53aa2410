"""What is asked about past runs of a bot."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Count, Max

from trading.models import BotLook, BotRun, Replay, TradingSession

MOST = 50  # of one session
Said = BotLook.Said


@dataclass(frozen=True, slots=True)
class RunShown:
    """A run in figures."""

    run: BotRun
    looks: int
    commands: int
    refused: Mapping[str, int]  # by code
    last_look_at: datetime | None  # by the broker's clock
    replay: Replay | None  # the newest


def runs_of(session: TradingSession) -> list[RunShown]:
    """The newest first; in a fixed number of queries."""
    runs = list(session.runs.all()[:MOST])
    looks = BotLook.objects.filter(run__in=runs).order_by()
    counted: defaultdict[int, Counter[str]] = defaultdict(Counter)
    refused: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for run_id, said, why, count in looks.values_list("run", "said", "why").annotate(n=Count("pk")):
        counted[run_id][said] += count
        if said == Said.REFUSED:
            refused[run_id][why] = count
    newest = dict(looks.values_list("run").annotate(last=Max("clock")))
    replays = {one.run_id: one for one in Replay.objects.filter(run__in=runs).order_by("pk")}
    return [
        RunShown(
            run,
            counted[run.pk].total(),
            counted[run.pk][Said.ORDER],
            refused[run.pk],
            datetime.fromtimestamp(newest[run.pk], UTC) if run.pk in newest else None,
            replays.get(run.pk),
        )
        for run in runs
    ]
