"""The market of the embedded broker: what it lists, on which terms, and what an order comes to.

Everything follows from the seed and the moment, so that all sessions see one market and a restart
goes on where the process before it stopped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Final

from trading.core.expiry import expiry_of
from trading.core.market import Asset, Direction, Outcome
from trading.core.prices import DAY, Prices, Walk
from trading.core.settlement import outcome_of, profit_of

MINUTES: Final = (1, 2, 3, 4, 5, 15, 30, 60)
# Payout falls in the quiet hours: subtracted from a listing's best, in percent, by UTC hour.
QUIET: Final = (6, 8, 9, 9, 8, 6, 3, 1, 0, 0, 1, 2, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 6, 6)


@dataclass(frozen=True, slots=True)
class Listing:
    """One asset of the embedded broker."""

    name: str
    broker_id: int
    prices: Prices
    best_payout: Decimal = Decimal("0.87")
    on_weekdays_only: bool = False
    is_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """How the embedded broker treats orders."""

    dead_time: int = 5  # seconds before an expiry in which it can no longer be bought
    latency: tuple[float, float] = (0.05, 0.25)  # seconds an answer takes, least and most
    reject_rate: float = 0.0  # of all orders, "rejected by risks"
    least_stake: Decimal = Decimal(1)
    most_stake: Decimal = Decimal(20_000)
    start_balance: Decimal = Decimal("10000.00")
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class PaperOrder:
    """An order that was taken. What it returns is settled by the prices, shown at its end."""

    reference: str
    asset: str
    direction: Direction
    stake: Decimal
    payout: Decimal
    opened_at: datetime
    expires_at: datetime
    open_price: float
    close_price: float
    broker_id: str = ""

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.direction, opened=self.open_price, closed=self.close_price)

    @property
    def profit(self) -> Decimal:
        return profit_of(self.outcome, stake=self.stake, payout=self.payout)


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: str
    text: str


@dataclass(frozen=True)
class PaperMarket:
    listings: Mapping[str, Listing]
    seed: int
    terms: Terms = field(default_factory=Terms)

    def assets(self, now: float) -> list[Asset]:
        return [self.asset(one, now) for one in self.listings.values()]

    def asset(self, listing: Listing, now: float) -> Asset:
        closing = closes_at(listing, now)
        return Asset(
            name=listing.name,
            broker_id=listing.broker_id,
            payout=payout_at(listing, now),
            is_open=closing is not None,
            closes_at=closing if listing.on_weekdays_only else None,
            least_stake=self.terms.least_stake,
            most_stake=self.terms.most_stake,
            expirations=MINUTES,
        )

    def latency(self, reference: str) -> float:
        """Seconds that the answer to this order takes."""
        least, most = self.terms.latency
        return least + (most - least) * chance(self.seed, "latency", reference)

    def order(
        self,
        *,
        reference: str,
        asset: str,
        direction: Direction,
        stake: Decimal,
        minutes: int,
        now: float,
    ) -> PaperOrder | Refusal:
        """What comes of an order that arrives at `now`, funds aside."""
        listing = self.listings.get(asset)
        if listing is None:
            return Refusal("unknown_asset", "There is no such asset.")
        refusal = self._refusal(listing, reference=reference, stake=stake, minutes=minutes, now=now)
        if refusal is not None:
            return refusal
        end = expiry_of(now, minutes, dead_time=self.terms.dead_time)
        if closes_at(listing, end) is None:
            return Refusal("closed", "The asset closes before the option would end.")
        return PaperOrder(
            reference=reference,
            asset=asset,
            direction=direction,
            stake=stake,
            payout=payout_at(listing, now),
            opened_at=datetime.fromtimestamp(now, UTC),
            expires_at=datetime.fromtimestamp(end, UTC),
            open_price=listing.prices.at(int(now)),
            close_price=listing.prices.at(end),
        )

    def _refusal(
        self, listing: Listing, *, reference: str, stake: Decimal, minutes: int, now: float
    ) -> Refusal | None:
        terms = self.terms
        if listing.is_suspended:
            return Refusal("suspended", "Cannot purchase an option (active is suspended)")
        if closes_at(listing, now) is None:
            return Refusal("closed", "The asset is not available at the moment.")
        if not (stake.is_finite() and terms.least_stake <= stake <= terms.most_stake):
            return Refusal("stake", f"The stake is {terms.least_stake} to {terms.most_stake}.")
        if stake != stake.quantize(Decimal("0.01")):
            return Refusal("stake", "A stake has two decimals at most.")
        if minutes not in MINUTES:
            return Refusal("expiry", "There is no such expiry.")
        if chance(self.seed, "reject", reference) < terms.reject_rate:
            return Refusal("risk", "active_suspended: rejected by risks")
        return None


def chance(seed: int, what: str, subject: str) -> float:
    """A number from 0 up to 1 that is always the same for the same question."""
    digest = blake2b(f"{seed}\n{what}\n{subject}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def payout_at(listing: Listing, now: float) -> Decimal:
    hour = int(now) % DAY // 3600
    return listing.best_payout - Decimal(QUIET[hour]) / 100


def closes_at(listing: Listing, now: float) -> datetime | None:
    """When trading ends; None while it is closed. Without a schedule, the end of the day."""
    moment = datetime.fromtimestamp(now, UTC)
    if listing.is_suspended or (listing.on_weekdays_only and moment.weekday() >= 5):
        return None
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    days = 5 - moment.weekday() if listing.on_weekdays_only else 1
    return midnight + timedelta(days=days)


def usual_listings(seed: int) -> dict[str, Listing]:
    """The assets of a paper account where nothing was recorded."""
    rows = [
        Listing("EURUSD-OTC", 76, Walk(seed, "EURUSD-OTC", start=1.08)),
        Listing("GBPUSD-OTC", 81, Walk(seed, "GBPUSD-OTC", start=1.27), Decimal("0.85")),
        Listing("USDJPY-OTC", 85, Walk(seed, "USDJPY-OTC", start=150.0, digits=3), Decimal("0.86")),
        Listing("EURUSD", 1, Walk(seed, "EURUSD", start=1.08), Decimal("0.84"), True),  # noqa: FBT003
        Listing(
            "BTCUSD",
            816,
            Walk(seed, "BTCUSD", start=60_000.0, step=1e-4, digits=2),
            Decimal("0.80"),
        ),
        Listing(
            "XAUUSD",
            74,
            Walk(seed, "XAUUSD", start=2400.0, digits=2),
            Decimal("0.82"),
            is_suspended=True,
        ),
    ]
    return {one.name: one for one in rows}
