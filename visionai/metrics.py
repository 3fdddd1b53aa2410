"""Figures for Prometheus at `/metrics`: what this process did, and what the rows say of all.

No label names a person. Staff may read them, whoever has `METRICS_TOKEN`, and this machine itself;
a request that came through a proxy is not taken for this machine's.
"""

import hmac
import time
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from assistant.models import Message
from fpga_export.models import ExportSession
from predictions.inference import running_engine
from predictions.log_buffer import log_buffer
from sessions_app.authentication import BearerAuthentication, bearer_text
from sessions_app.client import client_of
from sessions_app.models import OpenSocket, Sesion
from trading import figures
from trading.models import Order, TradingSession
from visionai import pulses, status

registry = CollectorRegistry()
requests = Histogram(
    "visionai_request_seconds",
    "Requests answered by this process, by method and status.",
    ["method", "status"],
    buckets=(0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0),
    registry=registry,
)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def metrics_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Time each request."""

    def respond(request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = get_response(request)
        method = request.method if request.method in METHODS else "other"
        taken = requests.labels(method, f"{response.status_code // 100}xx")
        taken.observe(time.perf_counter() - began)
        return response

    return respond


class Rows(Collector):
    """What the database says, and the counters of the inference engine of this process."""

    def collect(self) -> Iterator[Metric]:
        yield from parts()
        yield _gauge("visionai_sessions_open", "Logins that are open.", [((), _open_logins())])
        yield by("visionai_sockets", "Open sockets.", OpenSocket.objects.all(), "path")
        exports = ExportSession.objects.all()
        yield by("visionai_exports", "Hardware runs kept.", exports, "kind", "state")
        trading = TradingSession.objects.all()
        fields = ("broker", "account_type", "state")
        yield by("visionai_trading_sessions", "Trading sessions.", trading, *fields)
        orders = Order.objects.all()
        of_orders = ("session__broker", "session__account_type", "source", "state")
        yield by("visionai_orders", "Orders.", orders, *of_orders)
        yield from figures.collect()
        answers = Message.objects.filter(role=Message.Role.ASSISTANT)
        told = ("state", "engine", "degraded")
        yield by("visionai_answers", "Answers of the assistant kept.", answers, *told)
        yield from engine()


def parts() -> Iterator[Metric]:
    """1 for each part that works, and the age of the signs of life."""
    found = status.report(status.checks, details=False)["checks"]
    works = [((name,), float(part["status"] == "ok")) for name, part in found.items()]
    yield _gauge("visionai_part_works", "1 where the part works.", works, ["part"])
    ages = [((name,), pulses.age(name)) for name in (*status.QUEUES, pulses.CLOCK)]
    known = [(labels, age) for labels, age in ages if age is not None]
    yield _gauge("visionai_pulse_age_seconds", "Since the last sign of life.", known, ["of"])


def engine() -> Iterator[Metric]:
    """Pictures that this process answered, by how, and what waits."""
    running = running_engine()
    if running is not None:
        counts = running.counts()
        waiting = counts.pop("waiting")
        told = CounterMetricFamily(
            "visionai_pictures", "Pictures of this process, by what became of them.", labels=["as"]
        )
        for name, count in counts.items():
            told.add_metric([name], count)
        yield told
        yield _gauge("visionai_pictures_waiting", "Not answered yet.", [((), waiting)])
    buffered = [((), float(len(log_buffer)))]
    yield _gauge("visionai_log_rows_waiting", "Readings not on disk yet.", buffered)


def by(name: str, text: str, rows: "QuerySet[Any]", *fields: str) -> Metric:
    """Rows counted by fields, as they are now."""
    labels = [field.rpartition("__")[2] for field in fields]
    counted = rows.order_by().values_list(*fields).annotate(count=Count("pk"))
    found = [(tuple(map(str, row[:-1])), float(row[-1])) for row in counted]
    return _gauge(name, text, found, labels)


def _gauge(
    name: str,
    text: str,
    values: Iterable[tuple[tuple[str, ...], float]],
    labels: list[str] | None = None,
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels or [])
    for of, value in values:
        family.add_metric(list(of), value)
    return family


def _open_logins() -> float:
    return float(Sesion.objects.all().open_at(timezone.now()).count())


registry.register(Rows())


class MayRead(BasePermission):
    """Staff, the token, or this machine."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return has_token(request) or is_here(request) or bool(getattr(request.user, "is_staff", 0))


class MetricsAuthentication(BearerAuthentication):
    """The metrics token is nobody's login."""

    def authenticate(self, request: Request) -> object:  # type: ignore[override]
        return None if has_token(request) else super().authenticate(request)


def has_token(request: Request) -> bool:
    given, wanted = bearer_text(request) or "", settings.METRICS_TOKEN or ""
    return bool(wanted) and hmac.compare_digest(given.encode(), wanted.encode())


def is_here(request: Request) -> bool:
    """Whether it comes from this machine, not through a proxy on it."""
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "Via")):
        return False
    ip = client_of(request._request).ip
    return ip is not None and ip_address(ip).is_loopback


@extend_schema(exclude=True)
@api_view(["GET"])
@authentication_classes([MetricsAuthentication])
@permission_classes([MayRead])
def metrics(_request: Request) -> HttpResponse:
    return HttpResponse(
        generate_latest(registry),
        content_type=CONTENT_TYPE_LATEST,
        headers={"Cache-Control": "no-store"},
    )
