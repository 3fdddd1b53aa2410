"""Sending an order, once. What is not a clear refusal leaves its fate unknown."""

import asyncio
from collections import OrderedDict
from typing import Final

from trading.brokers.base import BrokerError, OrderRejected, OrderRequest, OrderUnknown, Position
from trading.brokers.quadcode import wire
from trading.brokers.quadcode.catalogue import DIGITAL, Catalogue, Instrument
from trading.brokers.quadcode.hosts import Patience
from trading.brokers.quadcode.link import Link, NoAnswer, NotSent, Refused
from trading.brokers.quadcode.orders import (
    body_of,
    digital_choice,
    read_placed,
    rejection,
)
from trading.brokers.quadcode.positions import Known
from trading.brokers.quadcode.settling import Settling
from trading.core.expiry import MINUTE

KEPT: Final = 50  # verdicts on digital orders that nobody has asked for yet
PRICE_PATIENCE: Final = 3.0  # seconds for a first price of a digital option


class Placing:
    """The orders of one connection."""

    def __init__(self, link: Link, patience: Patience, settling: Settling) -> None:
        self._link, self._patience, self._settling = link, patience, settling
        self._in_flight: set[tuple[object, ...]] = set()
        self._verdicts: OrderedDict[int, str] = OrderedDict()
        self._prices: dict[int, object] = {}  # by index
        self._news = asyncio.Event()

    async def place(
        self, order: OrderRequest, catalogue: Catalogue, *, balance_id: int
    ) -> Position:
        """Raises `OrderRejected` or `OrderUnknown`."""
        same = (order.asset, order.direction, order.stake)
        if same in self._in_flight:
            raise OrderRejected("in_flight")
        self._in_flight.add(same)
        try:
            instrument = self._instrument(order, catalogue)
            if instrument.kind == DIGITAL:
                return await self._digital(order, instrument, balance_id)
            return await self._option(order, instrument, balance_id)
        except NotSent as error:
            raise OrderRejected(str(error)) from error
        except NoAnswer as error:
            raise OrderUnknown from error
        except Refused as error:
            if error.status >= wire.FAILED:
                raise OrderUnknown from error
            raise rejection(error) from error
        except BrokerError:
            raise
        except Exception as error:
            raise OrderUnknown from error  # it may have left before that
        finally:
            self._in_flight.discard(same)

    def _instrument(self, order: OrderRequest, catalogue: Catalogue) -> Instrument:
        if not catalogue.of(order.asset):
            raise OrderRejected("unknown_asset")
        now = self._link.time()
        found = catalogue.choose(order.asset, order.minutes, now)
        if found is None:
            raise OrderRejected("expiry")
        if not found.is_offered:
            raise OrderRejected("suspended")
        if found.closes_at(now) is None:
            raise OrderRejected("closed")
        if not (order.stake.is_finite() and found.least <= order.stake <= found.most):
            raise OrderRejected("stake", f"{found.least} to {found.most}")
        if order.stake != order.stake.quantize(wire.CENT):
            raise OrderRejected("stake", "two decimals at most")
        return found

    async def _option(
        self, order: OrderRequest, instrument: Instrument, balance_id: int
    ) -> Position:
        now = self._link.time()
        expiry = (
            int(now) + order.minutes * MINUTE
            if instrument.kind == "blitz"
            else instrument.expiry(now, order.minutes)
        )
        closing = instrument.closes_at(now)
        if expiry is None or closing is None or expiry > closing:
            raise OrderRejected("closed" if expiry else "expiry")
        msg = await self._link.ask(
            "binary-options.open-option",
            "2.0",
            body_of(order, instrument, balance_id=balance_id, expiry=expiry),
            seconds=self._patience.order,
            not_after=_deadline(order),
        )
        position = read_placed(msg, order, instrument, expiry=expiry, now=now)
        if position is None:
            raise OrderUnknown("an answer that is not understood")
        number = int(position.broker_id)
        self._follow(position, number, balance_id, f"{instrument.kind}-option")
        return position

    def _follow(self, position: Position, number: int, balance_id: int, kind: str) -> None:
        """So that its end is asked for even where no event ever tells of it."""
        known = Known(position, f"order:{number}", number, balance_id, 0, kind)
        if self._settling.running(position.broker_id) is None:
            self._settling.follow(known)

    # Digital options: an answer is not yet a verdict

    async def _digital(
        self, order: OrderRequest, instrument: Instrument, balance_id: int
    ) -> Position:
        asked = {"asset_id": instrument.trade_id}
        msg = await self._link.ask("digital-option-instruments.get-instruments", "3.0", asked)
        now = self._link.time()
        chosen = digital_choice(msg, direction=order.direction, minutes=order.minutes, now=now)
        if chosen is None:
            raise OrderRejected("expiry")
        symbol, index, _expiry = chosen
        await self._price_of(instrument.trade_id, index)
        body = {
            "user_balance_id": balance_id,
            "asset_id": instrument.trade_id,
            "instrument_id": symbol,
            "instrument_index": index,
            "amount": str(order.stake),
        }
        answer = await self._link.ask(
            "digital-options.place-digital-option",
            "3.0",
            body,
            seconds=self._patience.order,
            not_after=_deadline(order),
        )
        number = wire.whole(wire.inside(answer, "id"))
        if not number:
            raise OrderUnknown("an answer that is not understood")
        return await self._verdict_on(number)

    async def _verdict_on(self, number: int) -> Position:
        """The position that the order became. Raises `OrderRejected` or `OrderUnknown`."""
        try:
            async with asyncio.timeout(self._patience.order):
                while number not in self._verdicts:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise OrderUnknown from None
        verdict = self._verdicts.pop(number)
        if verdict != "filled":
            raise OrderRejected("other", verdict)
        known = await self._settling.appears(str(number), seconds=self._patience.order)
        if known is None:
            raise OrderUnknown("a filled order without a position")
        return known.position

    async def _price_of(self, asset_id: int, index: int) -> None:
        """Have a price before the order: without one the broker sells nothing."""
        filters: dict[str, object] = {
            "instrument_type": "digital-option",
            "asset_id": asset_id,
            "instrument_index": index,
        }
        name = "trading-settings.digital-option-client-price-generated"
        await self._link.subscribe(name, "1.0", filters)
        try:
            async with asyncio.timeout(PRICE_PATIENCE):
                while index not in self._prices:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise OrderRejected("other", "there is no price") from None

    def hear_order(self, msg: object) -> None:
        number, status = wire.whole(wire.inside(msg, "id")), wire.inside(msg, "status")
        if number is None or status not in ("filled", "rejected", "canceled", "expired"):
            return
        reason = wire.inside(msg, "reject_status") or wire.inside(msg, "reason") or status
        self._verdicts[number] = "filled" if status == "filled" else str(reason)
        while len(self._verdicts) > KEPT:
            self._verdicts.popitem(last=False)
        self._news.set()

    def hear_price(self, msg: object) -> None:
        index = wire.whole(wire.inside(msg, "instrument_index"))
        if index is not None:
            self._prices[index] = msg
            self._news.set()


def _deadline(order: OrderRequest) -> float:
    return float("inf") if order.not_after is None else order.not_after
