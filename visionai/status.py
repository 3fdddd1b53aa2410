"""Whether each part works, for machines: `/status`, `/status/health` and the like."""

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.permissions import AllowAny, IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from assistant.health import capability, far_sides
from assistant.providers.configured import CAPABILITIES
from predictions.inference import running_engine
from predictions.log_buffer import MOST_ROWS, log_buffer
from sessions_app.authentication import BearerAuthentication
from sessions_app.models import OpenSocket
from sessions_app.open_sockets import open_sockets
from visionai import machine, pulses

LEAST_FREE_BYTES = 500 * 2**20
CHANNEL_S = 2.0
QUEUES = ("quick", "heavy")
KINDS = {"/": "any", "/ws": "any", "/ws/camera": "camera", "/ws/trading": "trading"}
KINDS |= {"/ws/chat": "chat", "/api/chat": "chat"}


class Trouble(Exception):
    """The part works badly or not at all; the text is for staff."""


@dataclass(frozen=True)
class Check:
    """`run` returns a detail for staff. Raises `Trouble`, or whatever the part itself raises.

    A required part that fails makes the whole product down, any other one degraded.
    """

    name: str
    run: Callable[[], str]
    required: bool = False
    in_process: bool = False  # of this process: another one cannot tell


def database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM django_migrations")
        (count,) = cursor.fetchone()
    return f"{connection.vendor}, {count} migrations"


def shared_cache() -> str:
    cache.set("status", "1", 10)
    if cache.get("status") != "1":
        raise Trouble("what was written cannot be read")
    return str(settings.CACHES["default"]["BACKEND"]).rsplit(".", 1)[-1]


def disk() -> str:
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < LEAST_FREE_BYTES:
        raise Trouble(f"{free // 2**20} MiB free")
    return f"{free // 2**20} MiB free"


def websocket() -> str:
    rows = OpenSocket.objects.values_list("path").annotate(count=Count("pk"))
    kinds: Counter[str] = Counter()
    for path, count in rows:
        name = "/" + path.strip("/")
        kind = "chat" if name.startswith("/ws/chat/") else KINDS.get(name, "other")
        kinds[kind] += count
    told = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    return f"{len(open_sockets)} open in this process; in all: {told or 'none'}"


def channels() -> str:
    """A message through the channel layer and back."""
    layer = get_channel_layer()
    if layer is None:
        raise Trouble("no channel layer is configured")
    async_to_sync(_through)(layer)
    return type(layer).__name__


async def _through(layer: Any) -> None:
    name = await layer.new_channel()
    await layer.send(name, {"type": "status"})
    async with asyncio.timeout(CHANNEL_S):
        await layer.receive(name)


def workers() -> str:
    ages = {queue: pulses.age(queue) for queue in QUEUES}
    silent = [queue for queue, age in ages.items() if age is None or age > pulses.LOST_S]
    if silent:
        raise Trouble("no sign of life from: " + ", ".join(silent))
    return ", ".join(f"{queue} {age:.0f} s ago" for queue, age in ages.items())


def clock() -> str:
    age = pulses.age(pulses.CLOCK)
    if age is None or age > pulses.CLOCK_S:
        raise Trouble("nothing was sent to the workers lately")
    return f"{age:.0f} s ago"


def memory() -> str:
    free, own = machine.memory()
    told = f"{_mib(free)} free, {_mib(own)} of this process"
    if free is not None and free < machine.LEAST_MEMORY:
        raise Trouble(told)
    return told


def processor() -> str:
    load = machine.load()
    told = "unknown" if load is None else f"{load:.2f} waiting or running a processor"
    if load is not None and load > machine.MOST_LOAD:
        raise Trouble(told)
    return told


def _mib(size: int | None) -> str:
    return "?" if size is None else f"{size // 2**20} MiB"


def model() -> str:
    engine = running_engine()
    if engine is None:
        return "not started in this process"
    if engine.model is None:
        raise Trouble("no model version is at work")
    if len(log_buffer) > MOST_ROWS // 2:
        raise Trouble(f"{len(log_buffer)} rows wait to be logged")
    return f"{engine.model.tag}, {engine.counts()['waiting']} waiting"


checks: list[Check] = [
    Check("database", database, required=True),
    Check("cache", shared_cache, required=True),
    Check("channels", channels, required=True),
    Check("websocket", websocket, required=True, in_process=True),
    Check("model", model, required=True, in_process=True),
    Check("workers", workers),
    Check("clock", clock),
    Check("disk", disk),
    Check("memory", memory),
    Check("processor", processor),
]
checks += [Check(name, partial(capability, name)) for name in CAPABILITIES]


def breakers() -> list[Check]:
    """Circuit breakers of outside services: one for each that the settings name."""
    return [Check(one.name, one.told) for one in far_sides()]


def report(chosen: Iterable[Check], *, details: bool) -> dict[str, Any]:
    """`{status, checks: {name: {status, ms, detail}}}`; `ms` and `detail` only with `details`."""
    found: dict[str, dict[str, Any]] = {}
    worst = "ok"
    for check in chosen:
        began = time.perf_counter()
        try:
            status, detail = "ok", check.run()
        except Exception as error:  # noqa: BLE001 (whatever a part raises, it does not work)
            status = "down" if check.required else "degraded"
            detail = f"{type(error).__name__}: {error}" if details else ""
        worst = max(worst, status, key=("ok", "degraded", "down").index)
        found[check.name] = {"status": status}
        if details:
            ms = round((time.perf_counter() - began) * 1000, 1)
            found[check.name] |= {"ms": ms, "detail": detail}
    return {"status": worst, "checks": found}


class PartSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="ok, degraded or down.")
    ms = serializers.FloatField(required=False, help_text="For staff.")
    detail = serializers.CharField(required=False, help_text="For staff.")


class StatusSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="ok, degraded or down.")
    checks = serializers.DictField(child=PartSerializer())


EXAMPLE = OpenApiExample(
    "All well", {"status": "ok", "checks": {"database": {"status": "ok"}}}, response_only=True
)


def _view(
    name: str,
    summary: str,
    choose: Callable[[], Iterable[Check]],
    *,
    fails: bool = False,
    staff: bool = False,
) -> Callable[..., Any]:
    """`fails`: answer 503 when a required part is down. `staff`: for staff alone."""

    responses: dict[int, Any] = {200: StatusSerializer}
    if fails:
        responses[503] = OpenApiResponse(StatusSerializer, "A required part is down.")

    @extend_schema(
        operation_id=name,
        tags=["status"],
        summary=summary,
        responses=responses,
        examples=[EXAMPLE],
    )
    @api_view(["GET"])
    @authentication_classes([BearerAuthentication])
    @permission_classes([IsAdminUser if staff else AllowAny])
    def view(request: Request) -> Response:
        body = report(choose(), details=bool(getattr(request.user, "is_staff", False)))
        down = fails and body["status"] == "down"
        return Response(body, status=503 if down else 200, headers={"Cache-Control": "no-store"})

    return view


def _named(*names: str) -> Callable[[], Iterable[Check]]:
    return lambda: [check for check in checks if check.name in names]


status = _view("status", "Every part of the product", lambda: checks)
health = _view("status_health", "Fit for traffic, or 503", lambda: checks, fails=True)
sockets = _view("status_websocket", "The WebSocket side", _named("websocket"))
data = _view("status_database", "The database (staff)", _named("database"), staff=True)
resilience = _view("resilience_health", "Circuit breakers", breakers)
