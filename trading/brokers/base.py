"""What every broker does: one instance is one connection of one account, in one event loop.

An answer that is not understood is never taken for a refusal: an order whose fate is not known
raises `OrderUnknown`, and is looked for with `open_positions` and `closed_positions`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeAlias

from trading.core.market import AccountType, Asset, Candle, Direction, Outcome


@dataclass(frozen=True, slots=True)
class Secret:
    """A text that shows itself to nobody; `reveal` where it goes out on the wire."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Password:
    email: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Token:
    """What the broker gave at a login and takes instead of another one."""

    value: Secret


Credentials: TypeAlias = Password | Token


@dataclass(frozen=True, slots=True)
class Account:
    """The account that a connection opened."""

    balance_id: str  # one of its kind within the broker
    account_type: AccountType
    balance: Decimal
    currency: str
    token: Token | None  # to come back with; None where the broker needs none


@dataclass(frozen=True, slots=True)
class OrderRequest:
    reference: str  # ours, unique; brokers without a field for it ignore it
    asset: str
    direction: Direction
    stake: Decimal
    minutes: int  # to the expiry
    not_after: float | None = None  # of time.monotonic(): later it is not sent, but rejected late


@dataclass(frozen=True, slots=True)
class Position:
    """An order that the broker took, as it says."""

    broker_id: str
    asset: str
    direction: Direction
    stake: Decimal
    opened_at: datetime
    expires_at: datetime
    open_price: float
    payout: Decimal
    outcome: Outcome | None = None  # None while it is open
    profit: Decimal | None = None  # what the balance gained: -stake when lost
    close_price: float | None = None
    closed_at: datetime | None = None
    reference: str = ""  # ours, where the broker keeps it; empty where it does not


class BrokerError(Exception):
    """Something that the broker said or did not say; `code` is stable (contract §4)."""

    code = "broker_unreachable"


class BrokerUnreachable(BrokerError):
    """The network, or an answer that is none (HTML where JSON belongs). Try again later."""


class InvalidCredentials(BrokerError):
    """Never tried again without the person."""

    code = "invalid_credentials"


class TokenExpired(InvalidCredentials):
    """The token is no longer taken; a password might be."""


class AccountUnavailable(BrokerError):
    """The broker has no such account for this person, or several to choose from."""

    code = "conflict"


class WrongCode(BrokerError):
    """Not the code that was sent; the same state may be answered again."""

    code = "invalid_credentials"


class SecondFactorUnsupported(BrokerError):
    """No code can be had by SMS: the person changes the factor at the broker, or turns it off."""

    code = "two_factor_required"


@dataclass(eq=False)
class SecondFactor(BrokerError):
    """The broker wants a code. `state` goes to `Connector.answer`; it never leaves the server."""

    code = "two_factor_required"
    method: str | None  # "sms", "push", None when the broker asks which
    state: Secret


@dataclass(eq=False)
class BrokerRateLimited(BrokerError):
    code = "broker_rate_limited"
    retry_after: float  # seconds


@dataclass(eq=False)
class OrderRejected(BrokerError):
    """Nothing was placed.

    `reason` is one of no_money, suspended, closed, dead_time, stake, expiry, risk, restricted,
    unknown_asset, not_connected, stale, in_flight, late, invalid, other.
    """

    code = "conflict"
    reason: str
    text: str = ""


class OrderUnknown(BrokerError):
    """No answer, or none that is understood: it may have been placed. Never send it again."""

    code = "order_unknown"


@dataclass(frozen=True, slots=True)
class CandleUpdate:
    candle: Candle


@dataclass(frozen=True, slots=True)
class BalanceChanged:
    balance: Decimal


@dataclass(frozen=True, slots=True)
class PositionChanged:
    """Opened or closed; may come twice, late, or in the wrong order."""

    position: Position


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The last event of a connection. `reason` is one of lost, stale, token, closed."""

    reason: str


BrokerEvent: TypeAlias = CandleUpdate | BalanceChanged | PositionChanged | Disconnected


class Broker(Protocol):
    """One open connection of one account."""

    account: Account

    def now(self) -> datetime:
        """The broker's clock."""
        ...

    async def assets(self) -> list[Asset]: ...

    async def candles(
        self, asset: str, *, seconds: int, count: int, until: datetime | None = None
    ) -> list[Candle]:
        """Closed candles, oldest first."""
        ...

    async def watch(self, asset: str, *, seconds: int) -> None:
        """Have `events` tell of this asset's candles, too."""
        ...

    async def balance(self) -> Decimal: ...

    async def place(self, order: OrderRequest) -> Position:
        """Send the order, once. Raises `OrderRejected` or `OrderUnknown`."""
        ...

    async def open_positions(self) -> list[Position]: ...

    async def closed_positions(self, *, since: datetime) -> list[Position]: ...

    async def refill(self) -> Decimal:
        """Fill a PRACTICE account up again; the new balance."""
        ...

    def events(self) -> AsyncIterator[BrokerEvent]:
        """For one reader. Ends after `Disconnected`."""
        ...

    async def close(self, *, logout: bool) -> None:
        """`logout` makes the broker forget the token."""
        ...


class Connector(Protocol):
    """How a connection begins; one for each broker."""

    async def connect(self, credentials: Credentials, *, account_type: AccountType) -> Broker:
        """Raises any `BrokerError` but those of orders."""
        ...

    async def send_code(self, state: Secret, *, method: str) -> Secret:
        """Have a code sent; the state to answer with."""
        ...

    async def answer(
        self, state: Secret, code: str, credentials: Password, *, account_type: AccountType
    ) -> Broker:
        """Finish a login that wanted a second factor."""
        ...
