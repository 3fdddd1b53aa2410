"""The API of trading sessions: to connect, to look, to run a bot and to trade."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, cast

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from sessions_app.models import Sesion
from trading import commands, selectors, services
from trading.events import order_data
from trading.models import Order, TradingSession
from trading.refusals import Conflict, NotAccepted
from trading.serializers import (
    CODE_WANTED,
    CONNECT,
    CONNECTED,
    BotInput,
    CodeSentOutput,
    ConnectInput,
    EventsOutput,
    OrderOutput,
    OrdersOutput,
    TradeInput,
    TradingSessionOutput,
    TradingSessionsOutput,
    VerifyInput,
)
from trading.waiting import Pending, after, waiting
from trading.wire import event_body, session_body
from visionai.lib.openapi import problems

TAGS = ["Trading"]
SHOWN = 100  # sessions
LOGIN_PROBLEMS = problems(
    _400="not_accepted",
    _401="bad_token",
    _403="real_not_enabled",
    _404="not_found",
    _409="conflict",
    _422="invalid_credentials",
    _429="broker_rate_limited",
    _503="broker_unreachable",
)
AFTER = OpenApiParameter("after", OpenApiTypes.INT, description="The newest number you have.")
LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="200 at most.")
BEFORE = OpenApiParameter("before", OpenApiTypes.INT, description="The oldest id you have.")


def user_of(request: Request) -> User:
    """Whoever asks; the permissions let nobody else in."""
    return cast("User", request.user)


def sesion_of(request: Request) -> Sesion | None:
    """The login that the request came with."""
    return request.auth if isinstance(request.auth, Sesion) else None


def number_in(request: Request, name: str, *, default: int, most: int) -> int:
    """A whole number of the query, between 0 and `most`. Raises `NotAccepted`."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 18:
        raise NotAccepted(field=name, why="no_number")
    return min(int(text), most)


def connect_with(request: Request, data: Mapping[str, Any]) -> Pending:
    """Open the session, and answer when the broker has."""
    session, command = services.begin_connect(
        user_of(request),
        sesion=sesion_of(request),
        broker=data["broker"],
        account_type=data["account_type"],
        email=data["email"] or "",
        password=data["password"] or "",
        session_id=data["session_id"] or None,
        keep_password=data["keep_password"],
        at=timezone.now(),
    )
    return after(command, connected(session, status=200 if data["session_id"] else 201))


def connected(session: TradingSession, *, status: int) -> Callable[[object], Response]:
    def finish(_result: object) -> Response:
        session.refresh_from_db()
        url = f"/api/v1/trading/sessions/{session.pk}"
        return Response(session_body(session), status=status, headers={"Location": url})

    return finish


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    operation_id="api_v1_trading_sessions_list",
    summary="List your trading sessions, the newest first",
    responses={200: TradingSessionsOutput, **problems(_401="bad_token")},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Connect to a broker, or come back to a session",
    request=ConnectInput,
    examples=[CONNECT, CONNECTED, CODE_WANTED],
    responses={200: TradingSessionOutput, 201: TradingSessionOutput, **LOGIN_PROBLEMS},
)
@api_view(["GET", "POST"])
def _sessions(request: Request) -> Response:
    if request.method == "GET":
        mine = TradingSession.objects.owned_by(user_of(request))[:SHOWN]
        return Response({"sessions": [session_body(one) for one in mine]})
    data = ConnectInput(data=request.data)
    data.is_valid(raise_exception=True)
    return connect_with(request, data.validated_data)


def verify_with(request: Request, data: Mapping[str, Any]) -> Pending:
    """Answer a challenge, or have a code sent for it."""
    session, command = services.begin_verify(
        user_of(request),
        challenge_id=data["challenge_id"],
        code=data["code"],
        method=data["method"],
        at=timezone.now(),
    )
    if data["code"]:
        return after(command, connected(session, status=200))
    sent = {"challenge_id": data["challenge_id"], "method": data["method"]}
    return after(command, lambda result: Response(sent | dict(result)))


@extend_schema(
    tags=TAGS,
    summary="Answer the broker's challenge with a code",
    description="With `method` and no `code`, have a code sent; the answer is a `CodeSent`.",
    request=VerifyInput,
    responses={200: TradingSessionOutput, 202: CodeSentOutput, **LOGIN_PROBLEMS},
)
@api_view(["POST"])
def _verify(request: Request) -> Response:
    data = VerifyInput(data=request.data)
    data.is_valid(raise_exception=True)
    pending = verify_with(request, data.validated_data)
    if not data.validated_data["code"]:
        made = pending.finish
        pending.finish = lambda result: Response(made(result).data, status=202)
    return pending


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="How a trading session stands",
    responses={200: TradingSessionOutput, **problems(_401="bad_token", _404="not_found")},
)
@extend_schema(
    tags=TAGS,
    methods=["DELETE"],
    summary="Disconnect: no new order, open ones are settled, credentials are forgotten",
    responses={200: TradingSessionOutput, **problems(_401="bad_token", _404="not_found")},
)
@api_view(["GET", "DELETE"])
def session(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    if request.method == "DELETE":
        services.disconnect(found, at=timezone.now())
    else:
        services.touch([found.pk], at=timezone.now())
    return Response(session_body(found))


def start_with(
    request: Request,
    found: TradingSession,
    data: Mapping[str, Any],
    finish: Callable[..., Response],
) -> Response:
    """Start the bot; on the first open asset where none was ever named."""
    at = timezone.now()

    def begin(asset: str | None) -> Response:
        values = {**data, "asset": asset} if asset else dict(data)
        return finish(services.start_bot(found, sesion=sesion_of(request), **values, at=at))

    if data.get("asset") or found.bot_asset:
        return begin(None)
    return after(
        services.ask_assets(found, at=at), lambda result: begin(first_open(result, found, data))
    )


def first_open(result: Mapping[str, Any], found: TradingSession, data: Mapping[str, Any]) -> str:
    """The open asset that pays best for the bot's expiry. Raises `Conflict`."""
    minutes = data.get("minutes") or found.bot_minutes
    fit = [one for one in result["assets"] if one["is_open"] and minutes in one["expirations"]]
    if not fit:
        raise Conflict(reason="no_open_asset")
    return str(max(fit, key=lambda one: float(one["payout"]))["name"])


@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Start the bot; what is left out stays as it was",
    request=BotInput,
    responses={
        200: TradingSessionOutput,
        **problems(_400="not_accepted", _401="bad_token", _404="not_found", _409="conflict"),
    },
)
@extend_schema(
    tags=TAGS,
    methods=["DELETE"],
    summary="Stop the bot: it places no further order, open ones are settled",
    responses={200: TradingSessionOutput, **problems(_401="bad_token", _404="not_found")},
)
@api_view(["POST", "DELETE"])
def _bot(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    if request.method == "DELETE":
        return Response(session_body(services.stop_bot(found, at=timezone.now())))
    data = BotInput(data=request.data)
    data.is_valid(raise_exception=True)
    return start_with(request, found, data.validated_data, lambda row: Response(session_body(row)))


def trade_with(
    found: TradingSession, data: Mapping[str, Any], finish: Callable[[Order], Response]
) -> Pending:
    """Place an order, and answer when the broker has, or when it should have."""
    values = {name: data[name] for name in ("asset", "direction", "stake", "minutes")}
    key = data.get("key") or uuid.uuid4()
    order = services.trade(found, key=key, **values, at=timezone.now())
    return Pending(lambda: commands.placed(order), finish)


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    operation_id="api_v1_trading_sessions_orders_list",
    summary="A session's orders, the newest first",
    parameters=[BEFORE, LIMIT],
    responses={200: OrdersOutput, **problems(_401="bad_token", _404="not_found")},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Trade by hand",
    description="An order without the broker's answer is `unknown` and looked for; it is never "
    "sent again. The same `key` gives the same order.",
    request=TradeInput,
    responses={
        201: OrderOutput,
        **problems(
            _400="not_accepted",
            _401="bad_token",
            _403="real_not_enabled",
            _404="not_found",
            _409="risk_limit",
            _429="too_many_requests",
        ),
    },
)
@api_view(["GET", "POST"])
def _orders(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    if request.method == "GET":
        limit = max(1, number_in(request, "limit", default=selectors.MOST, most=selectors.MOST))
        before = number_in(request, "before", default=0, most=2**62) or None
        rows, more = selectors.orders_before(found, before, most=limit)
        return Response({"orders": [order_data(one) for one in rows], "more": more})
    data = TradeInput(data=request.data)
    data.is_valid(raise_exception=True)
    return trade_with(found, data.validated_data, _order_placed)


def _order_placed(order: Order) -> Response:
    refuse_rejected(order)
    return Response(order_data(order), status=201)


def refuse_rejected(order: Order) -> None:
    """Raises `Conflict` for an order that the broker did not take."""
    if order.state == Order.State.REJECTED:
        raise Conflict(reason=order.reason, order=order_data(order))


@extend_schema(
    tags=TAGS,
    summary="What happened in a session after a number that you have",
    parameters=[AFTER, LIMIT],
    responses={200: EventsOutput, **problems(_401="bad_token", _404="not_found")},
)
@api_view(["GET"])
def events(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    limit = max(1, number_in(request, "limit", default=selectors.MOST, most=selectors.MOST))
    seq = number_in(request, "after", default=0, most=2**62)
    rows, more = selectors.events_after(found, seq, most=limit)
    body = {
        "session_id": str(found.pk),
        "account_type": found.account_type,
        "events": [event_body(one) for one in rows],
        "seq": found.event_seq,
        "more": more,
    }
    return Response(body)


sessions, verify, bot, orders = (waiting(one) for one in (_sessions, _verify, _bot, _orders))
