"""One connection of one account at Exnova or IQ Option."""

import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from trading.brokers.base import (
    Account,
    AccountUnavailable,
    BalanceChanged,
    BrokerEvent,
    BrokerUnreachable,
    CandleUpdate,
    Disconnected,
    OrderRejected,
    OrderRequest,
    Position,
    Token,
)
from trading.brokers.events import EventQueue
from trading.brokers.quadcode import feed, wire
from trading.brokers.quadcode.catalogue import (
    Catalogue,
    disabled_kinds,
    read_digital,
    read_options,
)
from trading.brokers.quadcode.hosts import Hosts, Patience
from trading.brokers.quadcode.link import Link, NoAnswer, NotSent, Refused
from trading.brokers.quadcode.login import Entrance
from trading.brokers.quadcode.placing import Placing
from trading.brokers.quadcode.positions import TYPES, Known, read_position
from trading.brokers.quadcode.settling import Settling
from trading.brokers.quadcode.wire import Frame
from trading.core.market import AccountType, Asset, Candle

log = logging.getLogger(__name__)

BALANCE_TYPES: Final = {AccountType.REAL: 1, AccountType.PRACTICE: 4}
PAGE: Final = 30
PAGES: Final = 100
REFILL: Final = 10_000  # major units of the currency, as the vendor's own client sends


class QuadcodeBroker:
    """Everything is kept in here: two accounts in one process share nothing."""

    account: Account

    def __init__(
        self, hosts: Hosts, patience: Patience, *, token: Token, account_type: AccountType
    ) -> None:
        self._entrance, self._patience = Entrance(hosts, patience), patience
        self._token, self._type = token, account_type
        self._events = EventQueue()
        self._link = Link(hosts, patience, on_event=self._hear, on_end=self._lost)
        self._feed = feed.Feed()
        self._catalogue, self._catalogue_read = Catalogue(), float("-inf")
        self._user_id = self._balance_id = 0
        self._settling: Settling | None = None
        self._placing: Placing | None = None

    # Start-up

    async def start(self) -> None:
        """Connect, learn who we are, subscribe, look for what is open.

        Raises `TokenExpired`, `AccountUnavailable` or `BrokerUnreachable`.
        """
        await self._link.open(self._token)
        try:
            await self._introduce()
        except (NotSent, NoAnswer, Refused) as error:
            await self._link.close()
            raise BrokerUnreachable(type(error).__name__) from error
        except BaseException:
            await self._link.close()
            raise

    async def _introduce(self) -> None:
        await self._link.want_results()
        profile = await self._link.ask("core.get-profile", "1.0", {})
        user = wire.whole(wire.inside(profile, "result", "user_id"))
        if not user:
            raise BrokerUnreachable("a profile without a number")
        self._user_id = user
        row = self._chosen(await self._balances())
        self._balance_id = wire.whole(row.get("id")) or 0
        self.account = Account(
            balance_id=str(self._balance_id),
            account_type=self._type,
            balance=wire.money(row.get("amount")) or Decimal(0),
            currency=str(row.get("currency") or ""),
            token=self._token,
        )
        await self._load_catalogue()
        self._settling = Settling(self._link, self._balance_id, self._events.put, self._name_of)
        self._placing = Placing(self._link, self._patience, self._settling)
        await self._subscribe()
        for known in await self._positions_open():
            self._settling.follow(known)
        self._settling.start(self._patience)

    async def _subscribe(self) -> None:
        mine: dict[str, object] = {"user_id": self._user_id}
        digital = mine | {"instrument_type": "digital-option"}
        await self._link.subscribe("portfolio.position-changed", "3.0", mine)
        await self._link.subscribe("portfolio.order-changed", "2.0", digital)
        await self._link.subscribe("balances.balance-changed", "1.0", {})

    async def _balances(self) -> list[dict[str, Any]]:
        types = list(BALANCE_TYPES.values())
        msg = await self._link.ask("balances.get-available-balances", "1.0", {"types_ids": types})
        return wire.rows(msg)

    def _chosen(self, balances: list[dict[str, Any]]) -> dict[str, Any]:
        """The one balance of our type. Raises `AccountUnavailable` for none or several."""
        wanted = BALANCE_TYPES[self._type]
        found = [one for one in balances if wire.whole(one.get("type")) == wanted]
        if len(found) != 1 or not wire.whole(found[0].get("id")):
            raise AccountUnavailable(f"{len(found)} accounts of type {self._type}")
        return found[0]

    # Asking

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._link.time(), UTC)

    async def assets(self) -> list[Asset]:
        await self._freshen()
        return self._catalogue.assets(self._link.time())

    async def candles(
        self, asset: str, *, seconds: int, count: int, until: datetime | None = None
    ) -> list[Candle]:
        number = await self._quote_id(asset)
        last = int(min(self._link.time(), until.timestamp() if until else float("inf")))
        found: list[Candle] = []
        while len(found) < count:
            end = int(found[0].start.timestamp()) - 1 if found else last
            body = {
                "active_id": number,
                "size": seconds,
                "to": end,
                "count": min(count - len(found), feed.MOST),
                "only_closed": True,
                "split_normalization": True,
            }
            msg = await self._ask("quotes-history.get-candles", "2.0", body)
            page = feed.read_history(msg, asset, seconds=seconds)
            page = [one for one in page if one.start.timestamp() + seconds <= end + 1]
            page = [one for one in page if not found or one.start < found[0].start]
            if not page:
                break
            found = page + found
        return [one for one in found if one.start.timestamp() + seconds <= last][-count:]

    async def watch(self, asset: str, *, seconds: int) -> None:
        number = await self._quote_id(asset)
        if self._feed.watch(number, seconds, asset):
            filters: dict[str, object] = {"active_id": number, "size": seconds}
            try:
                await self._link.subscribe("candle-generated", "1.0", filters)
            except (NotSent, NoAnswer, Refused) as error:
                raise BrokerUnreachable(type(error).__name__) from error

    async def balance(self) -> Decimal:
        try:
            row = self._chosen(await self._balances())
        except (NotSent, NoAnswer, Refused) as error:
            raise BrokerUnreachable(type(error).__name__) from error
        amount = wire.money(row.get("amount"))
        if amount is None:
            raise BrokerUnreachable("a balance that is no number")
        return amount

    async def open_positions(self) -> list[Position]:
        try:
            return [one.position for one in await self._positions_open()]
        except (NotSent, NoAnswer, Refused) as error:
            raise BrokerUnreachable(type(error).__name__) from error

    async def closed_positions(self, *, since: datetime) -> list[Position]:
        """By the end of the option: from `since` on."""
        body = {
            "instrument_types": list(TYPES),
            "user_id": self._user_id,
            "start": int(since.timestamp()) - 86_400,  # some brokers read it as the opening
            "end": int(self._link.time()) + 60,
        }
        try:
            found = await self._pages("portfolio.get-history-positions", "2.0", body)
        except (NotSent, NoAnswer, Refused) as error:
            raise BrokerUnreachable(type(error).__name__) from error
        closed = [one.position for one in found if one.position.outcome is not None]
        return [one for one in closed if (one.closed_at or one.expires_at) >= since]

    async def refill(self) -> Decimal:
        if self._type is not AccountType.PRACTICE:
            raise AccountUnavailable("only a PRACTICE account is refilled")
        body = {"user_balance_id": self._balance_id, "amount": REFILL}
        try:
            await self._link.tell("internal-billing.reset-training-balance", "4.0", body)
        except (NotSent, NoAnswer, Refused) as error:
            raise BrokerUnreachable(type(error).__name__) from error
        return await self.balance()

    # Orders

    async def place(self, order: OrderRequest) -> Position:
        if self._placing is None or self._link.ended:
            raise OrderRejected("not_connected")
        if self._link.silent_for > self._patience.stale or not self._link.knows_the_time:
            raise OrderRejected("stale")
        try:
            if self.account.account_type is AccountType.REAL or time.monotonic() > self._checked:
                await self._check_the_account()
            await self._freshen()
        except (BrokerUnreachable, AccountUnavailable) as error:
            raise OrderRejected("not_connected", str(error)) from error
        return await self._placing.place(order, self._catalogue, balance_id=self._balance_id)

    async def sell(self, broker_id: str) -> None:
        """Ask for an early end; what comes of it is told as an event."""
        known = self._settling.running(broker_id) if self._settling else None
        if known is None:
            raise OrderRejected("closed")
        try:
            if known.kind == "digital-option":
                body: dict[str, object] = {"position_id": known.external_id}
                await self._link.tell("digital-options.close-position", "1.0", body)
            else:
                body = {"options_ids": [int(broker_id)]}
                await self._link.tell("binary-options.sell-options", "3.0", body)
        except (NotSent, NoAnswer, Refused) as error:
            raise BrokerUnreachable(type(error).__name__) from error

    # Telling

    def events(self) -> AsyncIterator[BrokerEvent]:
        return self._events.read()

    async def close(self, *, logout: bool) -> None:
        if self._settling is not None:
            await self._settling.stop()
        await self._link.close()
        self._events.put(Disconnected("closed"))
        if logout:
            await self._entrance.log_out(self._token)

    def _hear(self, frame: Frame) -> None:
        if frame.name == "candle-generated":
            for candle in self._feed.hear(frame.msg):
                self._events.put(CandleUpdate(candle))
        elif frame.name == "balance-changed":
            self._hear_balance(wire.inside(frame.msg, "current_balance"))
        elif frame.name == "order-changed" and self._placing is not None:
            self._placing.hear_order(frame.msg)
        elif frame.name.endswith("client-price-generated") and self._placing is not None:
            self._placing.hear_price(frame.msg)
        elif self._settling is not None:
            self._settling.hear(frame)

    def _hear_balance(self, row: object) -> None:
        amount = wire.money(wire.inside(row, "amount"))
        if amount is not None and wire.whole(wire.inside(row, "id")) == self._balance_id:
            self._events.put(BalanceChanged(amount))

    def _lost(self, reason: str) -> None:
        self._events.put(Disconnected(reason))

    # Inside

    _checked = float("-inf")  # until when, monotonic, the account need not be looked at again

    async def _check_the_account(self) -> None:
        """That the balance we name in orders still is of the type that the session is for."""
        try:
            row = self._chosen(await self._balances())
        except (NotSent, NoAnswer, Refused) as error:
            raise BrokerUnreachable(type(error).__name__) from error
        if wire.whole(row.get("id")) != self._balance_id:
            raise AccountUnavailable("the account is another one than at the start")
        self._checked = time.monotonic() + self._patience.catalogue_age

    async def _ask(self, name: str, version: str, body: object) -> Any:
        try:
            return await self._link.ask(name, version, body)
        except (NotSent, NoAnswer, Refused) as error:
            raise BrokerUnreachable(type(error).__name__) from error

    async def _freshen(self) -> None:
        if time.monotonic() - self._catalogue_read <= self._patience.catalogue_age:
            return
        try:
            await self._load_catalogue()
        except (NotSent, NoAnswer, Refused) as error:
            raise BrokerUnreachable(type(error).__name__) from error

    async def _load_catalogue(self) -> None:
        seconds = self._patience.catalogue
        msg = await self._link.ask(
            "binary-options.get-initialization-data", "3.0", {}, seconds=seconds
        )
        found = read_options(msg)
        off: set[str] = set()
        try:
            asked = {"category": "client-sdk-js"}
            off = disabled_kinds(await self._link.ask("features.get-features", "2.0", asked))
            body = {"filter_suspended": True}
            name = "digital-option-instruments.get-underlying-list"
            found += read_digital(await self._link.ask(name, "3.0", body))
        except (Refused, NoAnswer) as error:
            log.info("A broker does not list all that it has: %s", type(error).__name__)
        self._catalogue = Catalogue(one for one in found if one.kind not in off)
        self._catalogue_read = time.monotonic()

    async def _quote_id(self, asset: str) -> int:
        await self._freshen()
        number = self._catalogue.quote_id(asset)
        if number is None:
            raise OrderRejected("unknown_asset", asset)
        return number

    def _name_of(self, number: int) -> str:
        return self._catalogue.name_of(number)

    async def _positions_open(self) -> list[Known]:
        body: dict[str, object] = {"instrument_types": list(TYPES)}
        found = await self._pages("portfolio.get-positions", "4.0", body)
        return [one for one in found if one.position.outcome is None]

    async def _pages(self, name: str, version: str, body: dict[str, object]) -> list[Known]:
        found: dict[str, Known] = {}
        for page in range(PAGES):
            asked = body | {"limit": PAGE, "offset": page * PAGE}
            got = wire.rows(wire.inside(await self._link.ask(name, version, asked), "positions"))
            for row in got:
                known = read_position(row, self._name_of)
                if known is not None and known.balance_id == self._balance_id:
                    found[known.position.broker_id] = known
            if len(got) < PAGE:
                break
        return list(found.values())
