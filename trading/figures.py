"""Figures of trading: counted as it happens, told to the operator at `/metrics` without any name.

A histogram lives in the process whose gate it is. A node of its own writes its counts into a row,
and whoever is asked adds those up with its own.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Sum
from django.utils import timezone
from prometheus_client import Histogram
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric

from trading.models import NodeReport, Order, RefusalCount, TradingSession

BUCKETS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
BOUNDS: Final = (*map(str, BUCKETS), "+Inf")
LABELS: Final = ("source", "answer")
NAME: Final = "visionai_gate_seconds"
KEPT: Final = timedelta(days=1)  # of a node that ended
UNCOUNTED: Final = "fenced"  # a node that was overtaken counts nothing
Counts = dict[tuple[str, ...], tuple[list[float], float]]  # by labels: by bucket, seconds in all

_gate = Histogram(NAME, "Of the order gate.", LABELS, buckets=BUCKETS, registry=None)


def observe_gate(source: str, *, passed: bool, since: float) -> None:
    """`since` is of `time.perf_counter()`."""
    known = source if source in Order.Source.values else "other"
    _gate.labels(known, "passed" if passed else "refused").observe(time.perf_counter() - since)


def count_refusal(session: TradingSession, source: str, code: str, *, at: datetime) -> None:
    """Within the gate's transaction, which mostly holds the session's row."""
    if code == UNCOUNTED or source not in Order.Source.values:
        return
    mine = RefusalCount.objects.filter(session=session, source=source, code=code[:40])
    if not mine.update(count=F("count") + 1, last_at=at):
        row = RefusalCount(session=session, source=source, code=code[:40], count=1, last_at=at)
        RefusalCount.objects.bulk_create([row], ignore_conflicts=True)


def report(name: str, *, at: datetime) -> None:
    """What the node of this process counted, for other processes."""
    told = [[list(labels), counts, total] for labels, (counts, total) in own_counts().items()]
    NodeReport.objects.update_or_create(name=name, defaults={"at": at, "gate": told})


def forget_reports(*, at: datetime) -> None:
    NodeReport.objects.filter(at__lt=at - KEPT).delete()


def own_counts() -> Counts:
    """Of this process."""
    found: Counts = {}
    for sample in next(iter(_gate.collect())).samples:
        labels = tuple(sample.labels[name] for name in LABELS)
        counts, total = found.get(labels, ([0.0] * len(BOUNDS), 0.0))
        if sample.name == f"{NAME}_bucket":
            counts[_place(sample.labels["le"])] = sample.value
        elif sample.name == f"{NAME}_sum":
            total = sample.value
        found[labels] = (counts, total)
    return found


def _place(bound: str) -> int:
    return len(BUCKETS) if bound == "+Inf" else BUCKETS.index(float(bound))


def gate_counts(*, at: datetime) -> Counts:
    """Of this process and of all nodes on their own."""
    found = own_counts()
    for rows in NodeReport.objects.filter(at__gte=at - KEPT).values_list("gate", flat=True):
        for names, more, seconds in rows:
            labels = tuple(names)
            counts, total = found.get(labels, ([0.0] * len(BOUNDS), 0.0))
            if len(more) == len(counts):  # of a node with other buckets nothing can be added
                added = [one + other for one, other in zip(counts, more, strict=True)]
                found[labels] = (added, total + seconds)
    return found


def collect() -> Iterator[Metric]:
    """For `/metrics`: few labels, each with few values."""
    at = timezone.now()
    gate = HistogramMetricFamily(NAME, "Seconds in the order gate, all nodes.", labels=LABELS)
    for labels, (counts, total) in sorted(gate_counts(at=at).items()):
        gate.add_metric(labels, list(zip(BOUNDS, counts, strict=True)), total)
    yield gate
    settled = Order.objects.filter(state=Order.State.SETTLED)
    fields = ("session__broker", "session__account_type", "outcome")
    yield _table("visionai_orders_settled", "Settled orders.", settled, fields, Count("pk"))
    sessions = TradingSession.objects.all()
    again = Sum("reconnects")
    yield _table("visionai_trading_reconnects", "Reconnects.", sessions, ("broker",), again)
    refusals, what = RefusalCount.objects.all(), "Orders that the gate held back."
    yield _table("visionai_gate_refusals", what, refusals, ("source", "code"), Sum("count"))
    bots = sessions.filter(bot_running=True)
    yield _table("visionai_bots_running", "Bots that run.", bots, ("broker",), Count("pk"))


def _table(name: str, text: str, rows: Any, fields: tuple[str, ...], figure: Any) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[one.rpartition("__")[2] for one in fields])
    for *labels, value in rows.order_by().values_list(*fields).annotate(figure=figure):
        family.add_metric(list(map(str, labels)), float(value or 0))
    return family
