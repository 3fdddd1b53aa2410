"""The original trading system's entrances: thin, in its words.

A refusal stands in one body as a problem document and as `{success: false, error}`; money is a
number with two decimals.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import wraps
from typing import Any, Final

import orjson
from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view, renderer_classes
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from trading import api, selectors, services, unnamed
from trading.events import order_data
from trading.models import Order, TradingSession
from trading.refusals import NotAccepted
from trading.serializers import BotInput, ConnectInput, OriginalTradeInput, VerifyInput
from trading.waiting import Pending, View, after, waiting
from trading.wire import session_body

SHOWN = 200  # trades
ORIGINAL_NAMES: Final = {"stake": "amount", "minutes": "expiration"}
MONEY: Final = {"balance", "profit", "amount", "stake", "least_stake", "most_stake"}


class OriginalRenderer(JSONRenderer):
    """JSON with money as a number of two decimals, which a float would shorten."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else orjson.dumps(data, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:.2f}")
    return str(value)


def numbers(body: object) -> Any:
    """The same with its money, text elsewhere, as `Decimal`."""
    if isinstance(body, Mapping):
        return {name: _money(name, value) for name, value in body.items()}
    return [numbers(one) for one in body] if isinstance(body, list) else body


def _money(name: str, value: object) -> object:
    if isinstance(value, str) and name == "payout":
        return float(value)
    return Decimal(value) if isinstance(value, str) and name in MONEY else numbers(value)


def original(method: str) -> Callable[[View], View]:
    """An entrance of the original: it waits for the broker, and errors have its shape."""

    def wrap(view: View) -> View:
        answering = api_view([method])(renderer_classes([OriginalRenderer])(view))
        inner = waiting(extend_schema(exclude=True)(answering))

        @wraps(inner)
        async def outer(request: HttpRequest) -> Any:
            return await sync_to_async(_shaped)(await inner(request))

        return outer

    return wrap


def _shaped(response: Any) -> Any:
    """`success` first; for an error, `error` beside the problem's own members."""
    data = getattr(response, "data", None)
    if not isinstance(data, Mapping):
        return response
    if response.status_code < 400:
        response.data = {"success": True, **numbers(data)}
        return response
    error = {"code": data.get("code", "error"), "message": data.get("detail", "")}
    if retry := response.headers.get("Retry-After"):
        error["retry_after"] = int(retry)
    for name in ("challenge_id", "method"):
        if name in data:
            error[name] = data[name]
    response.data = {**numbers(data), "success": False, "error": error}
    return response


def _body(request: Request) -> Mapping[str, Any]:
    return request.data if isinstance(request.data, Mapping) else {}


def _session_of(request: Request) -> TradingSession:
    """The one that the body or the query names, if it is the caller's own."""
    asked = _body(request).get("session_id") or request.query_params.get("session_id", "")
    found = selectors.own_session(api.user_of(request), asked)
    services.touch([found.pk], at=timezone.now())
    return found


def _told(session: TradingSession) -> dict[str, Any]:
    """The original's answer to a connect."""
    names = ("session_id", "balance", "broker", "account_type", "currency", "state")
    body = session_body(session)
    return {name: body[name] for name in names}


def trade_body(order: Order) -> dict[str, Any]:
    """A trade in the original's words, beside ours."""
    body = order_data(order)
    expiry = {"amount": body["stake"], "expiration": body["minutes"]}
    return body | expiry | {"trade_id": body["id"], "result": body["outcome"] or body["state"]}


@original("POST")
def connect(request: Request) -> Response:
    data = ConnectInput(data=request.data)
    data.is_valid(raise_exception=True)
    pending = api.connect_with(request, data.validated_data)
    return _told_after(pending)


@original("POST")
def verify(request: Request) -> Response:
    data = VerifyInput(data=request.data)
    data.is_valid(raise_exception=True)
    pending = api.verify_with(request, data.validated_data)
    return _told_after(pending) if data.validated_data["code"] else pending


def _told_after(pending: Pending) -> Response:
    made = pending.finish

    def finish(result: object) -> Response:
        body = made(result).data
        session = TradingSession.objects.get(pk=body["session_id"])
        return Response(_told(session))

    pending.finish = finish
    return pending


@original("POST")
def disconnect(request: Request) -> Response:
    services.disconnect(_session_of(request), at=timezone.now())
    return Response({})


@original("POST")
def start(request: Request) -> Response:
    found = _session_of(request)
    data = BotInput(data=request.data)
    data.is_valid(raise_exception=True)
    chosen = unnamed.chosen_for(found, data.validated_data)

    def told(session: TradingSession) -> Response:
        response = _running(session)
        if note := unnamed.note_of(session, was_chosen_here=bool(chosen)):
            response.data["note"] = note
        return response

    return api.start_with(request, found, {**chosen, **data.validated_data}, told)


@original("POST")
def stop(request: Request) -> Response:
    return _running(services.stop_bot(_session_of(request), at=timezone.now()))


def _running(session: TradingSession) -> Response:
    """`running` is what is wanted: the node follows within a second."""
    follows = {"strategy": session.strategy, "parameters": session.parameters}
    return Response({"running": session.bot_wanted, **follows, "asset": session.bot_asset})


@original("POST")
def trade(request: Request) -> Response:
    found = _session_of(request)
    key = request.headers.get("Idempotency-Key")
    data = OriginalTradeInput(data={**_body(request)} | ({"key": key} if key else {}))
    data.is_valid(raise_exception=True)
    try:
        return api.trade_with(found, data.validated_data, _traded)
    except NotAccepted as refusal:  # it names our field
        field = str(refusal.facts["field"])
        named = ORIGINAL_NAMES.get(field, field)
        raise NotAccepted(field=named, why=refusal.facts["why"]) from refusal


def _traded(order: Order) -> Response:
    api.refuse_rejected(order)
    return Response({"trade": trade_body(order)})


@original("GET")
def balance(request: Request) -> Response:
    found = session_body(_session_of(request))
    return Response({name: found[name] for name in ("balance", "currency", "account_type")})


@original("GET")
def status(request: Request) -> Response:
    found = _session_of(request)
    told = _told(found) | {"running": found.bot_running, "connected": _is_connected(found)}
    body = session_body(found)
    return Response(told | {name: body[name] for name in ("profit", "reason", "bot")})


def _is_connected(session: TradingSession) -> bool:
    return session.state == TradingSession.State.CONNECTED


@original("GET")
def history(request: Request) -> Response:
    found = _session_of(request)
    limit = api.number_in(request, "limit", default=SHOWN, most=SHOWN)
    rows, more = selectors.orders_before(found, most=max(1, limit))
    trades = [trade_body(one) for one in rows]
    about = {"session_id": str(found.pk), "account_type": found.account_type}
    return Response(about | {"count": len(trades), "trades": trades, "more": more})


@original("GET")
def assets(request: Request) -> Response:
    found = _session_of(request)
    command = services.ask_assets(found, at=timezone.now())
    return after(command, lambda result: Response({"assets": result["assets"]}))
