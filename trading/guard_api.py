"""The API of what holds orders back: limits, halts, and the right to trade real money."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from sessions_app.client import client_of
from trading import limits as holding
from trading import real as real_money
from trading import selectors, services, switches
from trading.api import TAGS, user_of
from trading.models import AccountKind, KillSwitch, LimitSet, TradingSession
from trading.refusals import NotFound
from trading.serializers import (
    HaltOutput,
    LimitsInput,
    LimitsOutput,
    RealInput,
    RealOutput,
    TradingSessionOutput,
)
from trading.waiting import after, waiting
from trading.wire import session_body
from visionai.lib.openapi import problems

CHANGED = problems(_400="not_accepted", _401="bad_token", _404="not_found")
FOUND = problems(_401="bad_token", _404="not_found")
HELD = problems(_401="bad_token", _404="not_found", _409="conflict")


def _limits(request: Request, row: LimitSet) -> Response:
    at = timezone.now()
    if request.method == "PATCH":
        data = LimitsInput(data=request.data)
        data.is_valid(raise_exception=True)
        holding.change_limits(row, user=user_of(request), values=data.validated_data, at=at)
        row.refresh_from_db()
    return Response(holding.limits_data(row, at=at))


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="The limits of a session",
    responses={200: LimitsOutput, **FOUND},
)
@extend_schema(
    tags=TAGS,
    methods=["PATCH"],
    summary="Change the limits of a session: lower at once, higher after 24 hours",
    request=LimitsInput,
    responses={200: LimitsOutput, **CHANGED},
)
@api_view(["GET", "PATCH"])
def session_limits(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    return _limits(request, holding.session_limits_of(found))


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="Your limits over all sessions of PRACTICE or of REAL",
    responses={200: LimitsOutput, **FOUND},
)
@extend_schema(
    tags=TAGS,
    methods=["PATCH"],
    summary="Change your limits: lower at once, higher after 24 hours",
    request=LimitsInput,
    responses={200: LimitsOutput, **CHANGED},
)
@api_view(["GET", "PATCH"])
def user_limits(request: Request, account_type: str) -> Response:
    if account_type not in AccountKind.values:
        raise NotFound
    return _limits(request, holding.user_limits_of(user_of(request), account_type))


def _halted(session: TradingSession) -> Response:
    on = switches.switches_on(session)
    return Response({"halted": bool(on), "switches": list(on)})


@extend_schema(
    tags=TAGS,
    summary="Halt a session: no order passes, the bot stops",
    request=None,
    responses={200: HaltOutput, **FOUND},
)
@api_view(["POST"])
def halt(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    services.halt(found, by=user_of(request), at=timezone.now())
    return _halted(found)


@extend_schema(
    tags=TAGS,
    summary="Let a session's orders pass again",
    request=None,
    responses={200: HaltOutput, **HELD},
)
@api_view(["POST"])
def release(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    services.release(found, by=user_of(request), at=timezone.now())
    return _halted(found)


def _all_halted(request: Request) -> Response:
    found = KillSwitch.objects.filter(scope=switches.user_scope(user_of(request).pk), is_on=True)
    on = list(found.values_list("scope", flat=True))
    return Response({"halted": bool(on), "switches": on})


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    operation_id="api_v1_trading_halt_all_retrieve",
    summary="Whether all your sessions are halted at once",
    responses={200: HaltOutput, **problems(_401="bad_token")},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    operation_id="api_v1_trading_halt_all_create",
    summary="Halt all your sessions: no order passes, all bots stop",
    description="It holds for sessions that you open later too, until you release it.",
    request=None,
    responses={200: HaltOutput, **problems(_401="bad_token")},
)
@api_view(["GET", "POST"])
def halt_all(request: Request) -> Response:
    if request.method == "POST":
        services.halt_all(user_of(request), by=user_of(request), at=timezone.now())
    return _all_halted(request)


@extend_schema(
    tags=TAGS,
    operation_id="api_v1_trading_release_all_create",
    summary="Let the orders of all your sessions pass again",
    description="A session that was halted by itself stays halted, and no bot starts by itself.",
    request=None,
    responses={200: HaltOutput, **problems(_401="bad_token", _409="conflict")},
)
@api_view(["POST"])
def release_all(request: Request) -> Response:
    services.release_all(user_of(request), by=user_of(request), at=timezone.now())
    return _all_halted(request)


@extend_schema(
    tags=TAGS,
    summary="Fill a PRACTICE account up again",
    request=None,
    responses={
        200: TradingSessionOutput,
        **problems(_401="bad_token", _404="not_found", _409="conflict", _503="broker_unreachable"),
    },
)
@api_view(["POST"])
def _refill(request: Request, session_id: str) -> Response:
    found = selectors.own_session(user_of(request), session_id)
    command = services.refill(found, at=timezone.now())

    def finish(_result: object) -> Response:
        found.refresh_from_db()
        return Response(session_body(found))

    return after(command, finish)


@extend_schema(
    tags=TAGS,
    methods=["GET"],
    summary="What is missing before you may trade real money",
    responses={200: RealOutput, **problems(_401="bad_token")},
)
@extend_schema(
    tags=TAGS,
    methods=["POST"],
    summary="Confirm that you want to trade real money, with your password",
    request=RealInput,
    responses={
        200: RealOutput,
        **problems(_400="not_accepted", _401="bad_token", _403="real_not_enabled"),
    },
)
@extend_schema(
    tags=TAGS,
    methods=["DELETE"],
    summary="Give the right up: real sessions end when what is open is settled",
    responses={200: RealOutput, **problems(_401="bad_token")},
)
@api_view(["GET", "POST", "DELETE"])
def real(request: Request) -> Response:
    user, at = user_of(request), timezone.now()
    if request.method == "POST":
        data = RealInput(data=request.data)
        data.is_valid(raise_exception=True)
        ip = client_of(request._request).ip
        real_money.confirm(user, **data.validated_data, ip=ip, at=at)
    elif request.method == "DELETE":
        real_money.revoke(user, at=at)
    return Response({"needs": real_money.missing(user)})


refill = waiting(_refill)
