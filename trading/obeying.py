"""The commands of people, done by the session's keeper and answered in their rows."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from trading import connections
from trading.brokers.base import (
    AccountUnavailable,
    Broker,
    BrokerError,
    BrokerRateLimited,
    BrokerUnreachable,
    OrderRejected,
    SecondFactorUnsupported,
    WrongCode,
)
from trading.connections import AccountInUse
from trading.core.market import Asset
from trading.core.states import IllegalMove
from trading.logins import CodeNeeded
from trading.models import Command, TradingSession
from trading.ownership import Fenced

if TYPE_CHECKING:
    from trading.keeper import Keeper

log = logging.getLogger(__name__)
State = TradingSession.State
Answer = Mapping[str, object]
WITHIN = 60.0  # seconds
LOGINS: Final = ("connect", "verify", "send_code")


async def obey(keeper: "Keeper", session: TradingSession, command: Command) -> None:
    """Do it, and answer it whatever happens."""
    try:
        async with asyncio.timeout(WITHIN):
            answer = await WORK[command.kind](keeper, session, command)
    except Fenced:
        raise
    except Exception as error:
        failure = _failure(error)
        if failure["code"] == "internal":
            log.exception("Command %s of session %s", command.kind, session.pk)
        if command.kind in LOGINS:
            await _after_failed_login(keeper, error, failure)
        await keeper.db(connections.fail_command, command, failure, at=keeper.now())
    else:
        await keeper.db(connections.answer_command, command, answer, at=keeper.now())


async def _after_failed_login(
    keeper: "Keeper", error: Exception, failure: Mapping[str, Any]
) -> None:
    """A first login that failed leaves nothing half open; a challenge may be answered again."""
    if isinstance(error, CodeNeeded | WrongCode | LookupError | SecondFactorUnsupported):
        return
    row = await keeper.db(connections.load, keeper.owner)
    if row.state in (State.CONNECTING, State.VERIFYING):
        await keeper.logins.fail(row, str(failure["facts"].get("reason", failure["code"])))


async def _connect(keeper: "Keeper", session: TradingSession, command: Command) -> Answer:
    return await keeper.logins.connect(session, command)


async def _send_code(keeper: "Keeper", session: TradingSession, command: Command) -> Answer:
    return await keeper.logins.send_code(session, command)


async def _verify(keeper: "Keeper", session: TradingSession, command: Command) -> Answer:
    return await keeper.logins.verify(session, command)


async def _assets(keeper: "Keeper", _s: TradingSession, _c: Command) -> Answer:
    return {"assets": [_asset(one) for one in await _broker(keeper).assets()]}


async def _candles(keeper: "Keeper", session: TradingSession, command: Command) -> Answer:
    data = command.data
    found = await _broker(keeper).candles(
        str(data["asset"]), seconds=int(data["seconds"]), count=int(data["count"])
    )
    rows = [[int(one.start.timestamp()), one.open, one.high, one.low, one.close] for one in found]
    await _watch(keeper, session, command)
    return {"candles": rows}


async def _watch(keeper: "Keeper", _s: TradingSession, command: Command) -> Answer:
    _broker(keeper)
    data = command.data
    process = str(data.get("process", ""))
    await keeper.watch(str(data["asset"]), seconds=int(data["seconds"]), process=process)
    return {}


async def _refill(keeper: "Keeper", _s: TradingSession, _c: Command) -> Answer:
    return await _new_balance(keeper, await _broker(keeper).refill())


async def _read_balance(keeper: "Keeper", _s: TradingSession, _c: Command) -> Answer:
    return await _new_balance(keeper, await _broker(keeper).balance())


async def _new_balance(keeper: "Keeper", balance: Decimal) -> Answer:
    row = await keeper.db(connections.mark_balance, keeper.owner, balance, at=keeper.now())
    return {"balance": f"{row.balance:.2f}", "currency": row.currency}


WORK: Final[Mapping[str, Callable[["Keeper", TradingSession, Command], Awaitable[Answer]]]] = {
    "connect": _connect,
    "verify": _verify,
    "send_code": _send_code,
    "assets": _assets,
    "candles": _candles,
    "watch": _watch,
    "refill": _refill,
    "balance": _read_balance,
}


# What tells two refusals of one code apart.
MORE: Final[Mapping[type[BrokerError], Mapping[str, str]]] = {
    WrongCode: {"why": "wrong_code"},
    SecondFactorUnsupported: {"why": "no_sms"},
    AccountUnavailable: {"reason": "account_unavailable"},
}


def _broker(keeper: "Keeper") -> Broker:
    if keeper.broker is None:
        raise BrokerUnreachable
    return keeper.broker


def _failure(error: Exception) -> dict[str, Any]:
    """`{code, facts, retry_after?}` of the contract; nothing that the broker wrote."""
    if isinstance(error, CodeNeeded):
        facts = {"challenge_id": str(error.challenge.pk), "method": error.method}
        return {"code": "two_factor_required", "facts": facts}
    if isinstance(error, BrokerRateLimited):
        return {"code": error.code, "facts": {}, "retry_after": int(error.retry_after)}
    if isinstance(error, AccountInUse):
        return {"code": "conflict", "facts": {"reason": "account_in_use"}}
    if isinstance(error, LookupError):
        return {"code": "not_found", "facts": {}}
    if isinstance(error, IllegalMove):
        return {"code": "conflict", "facts": {"reason": "another_state"}}
    if isinstance(error, OrderRejected):
        return {"code": "conflict", "facts": {"reason": error.reason}}
    if isinstance(error, BrokerError):
        return {"code": error.code, "facts": MORE.get(type(error), {})}
    if isinstance(error, TimeoutError):
        return {"code": "broker_unreachable", "facts": {}}
    if isinstance(error, ValueError):
        return {"code": "not_accepted", "facts": {"field": "data", "why": "out_of_range"}}
    return {"code": "internal", "facts": {}}


def _asset(asset: Asset) -> dict[str, object]:
    return {
        "name": asset.name,
        "payout": str(asset.payout),
        "is_open": asset.is_open,
        "closes_at": asset.closes_at.isoformat() if asset.closes_at else None,
        "least_stake": f"{asset.least_stake:.2f}",
        "most_stake": f"{asset.most_stake:.2f}",
        "expirations": list(asset.expirations),
    }
