"""The API of what is traded, and of files."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from trading import selectors, services
from trading.api import TAGS, number_in, user_of
from trading.events import order_data
from trading.models import TradingSession
from trading.refusals import NotAccepted
from trading.serializers import AssetsOutput, CandlesOutput
from trading.waiting import after, waiting
from trading.wire import candle_body
from visionai.lib.openapi import problems

MOST_CANDLES = 1000
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # a table program would take the cell for a formula
ASSET = OpenApiParameter("asset", OpenApiTypes.STR, required=True)
SECONDS = OpenApiParameter("seconds", OpenApiTypes.INT, description="Of a candle; 60 by default.")
COUNT = OpenApiParameter("count", OpenApiTypes.INT, description="1000 at most; 120 by default.")
FOUND = problems(_400="not_accepted", _401="bad_token", _404="not_found", _503="broker_unreachable")
ORDER_COLUMNS = (
    *("id", "created_at", "source", "asset", "direction", "stake", "minutes", "state", "reason"),
    *("outcome", "profit", "payout", "open_price", "close_price", "opened_at", "expires_at"),
    *("settled_at", "key"),
)


@extend_schema(
    tags=TAGS,
    summary="What can be traded, with what it pays",
    responses={200: AssetsOutput, **FOUND},
)
@api_view(["GET"])
def _assets(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    services.touch([found.pk], at=timezone.now())
    command = services.ask_assets(found, at=timezone.now())
    return after(command, lambda result: Response({"assets": result["assets"]}))


@extend_schema(
    tags=TAGS,
    summary="Closed candles of an asset, oldest first",
    description="While the session is connected the broker is asked, and new ones come on the "
    "socket for five minutes; afterwards those that were kept.",
    parameters=[ASSET, SECONDS, COUNT],
    responses={200: CandlesOutput, **FOUND},
)
@api_view(["GET"])
def _candles(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    asset, seconds, count = _wanted(request)
    about = {"asset": asset, "seconds": seconds}
    if found.state != TradingSession.State.CONNECTED:
        kept = selectors.candles_of(found.broker, asset, seconds, count=count)
        return Response(about | {"candles": [candle_body(one) for one in kept]})
    command = services.ask_candles(
        found, asset=asset, seconds=seconds, count=count, at=timezone.now()
    )
    return after(
        command, lambda result: Response(about | {"candles": selectors.as_candles(result)})
    )


@extend_schema(
    tags=TAGS,
    summary="The candles that were kept, as CSV",
    parameters=[ASSET, SECONDS, COUNT],
    responses={(200, "text/csv"): OpenApiTypes.BINARY, **FOUND},
)
@api_view(["GET"])
def candles_csv(request: Request, session_id: str) -> HttpResponse:
    found = selectors.own_session(user_of(request), session_id)
    asset, seconds, count = _wanted(request)
    rows = selectors.candles_of(found.broker, asset, seconds, count=count)
    table = [(one.start, one.open, one.high, one.low, one.close) for one in rows]
    return csv_of("candles.csv", ("start", "open", "high", "low", "close"), table)


@extend_schema(
    tags=TAGS,
    summary="All orders of a session, as CSV",
    responses={(200, "text/csv"): OpenApiTypes.BINARY, **FOUND},
)
@api_view(["GET"])
def orders_csv(request: Request, session_id: str) -> HttpResponse:
    found = selectors.own_session(user_of(request), session_id)
    rows = [order_data(one) for one in found.orders.order_by("pk")]
    table = [[row[name] for name in ORDER_COLUMNS] for row in rows]
    return csv_of(f"orders-{found.account_type}-{found.pk}.csv", ORDER_COLUMNS, table)


def csv_of(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A table as a download; text that a table program would run is only text."""
    response = HttpResponse(lines_of(head, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def lines_of(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The lines of the table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in chain([head], rows):
        writer.writerow([_cell(one) for one in row])
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()


def _cell(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(DANGEROUS):
        return "" if value is None else value
    try:
        float(value)
    except ValueError:
        return "'" + value
    return value  # a loss is a number


def _wanted(request: Request) -> tuple[str, int, int]:
    """Asset, seconds and count. Raises `NotAccepted`."""
    asset = request.query_params.get("asset", "").strip()
    if not 1 <= len(asset) <= 40:
        raise NotAccepted(field="asset", why="missing")
    seconds = number_in(request, "seconds", default=60, most=86_400)
    count = number_in(request, "count", default=120, most=MOST_CANDLES)
    return asset, max(1, seconds), max(1, count)


assets, candles = waiting(_assets), waiting(_candles)
