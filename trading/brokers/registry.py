"""The brokers by name."""

from functools import cache

from django.conf import settings

from trading.brokers.base import Connector
from trading.brokers.clock import Clock, WallClock
from trading.brokers.paper import PaperConnector
from trading.brokers.paper_rows import RowLedger
from trading.brokers.quadcode.connector import QuadcodeConnector
from trading.brokers.quadcode.gate import CacheGate
from trading.brokers.quadcode.hosts import Hosts
from trading.core.paper_market import Listing, PaperMarket, usual_listings
from trading.core.prices import read_recording

NAMES = ("paper", "exnova", "iqoption")
ALIASES = {"iq": "iqoption"}


def canonical(name: str) -> str:
    """The broker's one name. Raises `KeyError` for a broker that there is not."""
    found = ALIASES.get(name, name)
    if found not in NAMES:
        raise KeyError(name)
    return found


def connector(name: str, *, account: str = "", clock: Clock | None = None) -> Connector:
    """How a connection to the broker begins; `account` names the paper account, if it is paper.

    Raises `KeyError` for a broker that there is not.
    """
    if canonical(name) == "paper":
        market = paper_market()
        ledger = RowLedger(account, start_balance=market.terms.start_balance)
        return PaperConnector(market, ledger, clock=clock or WallClock(), account=account)
    brand = canonical(name)
    gate = CacheGate(brand, settings.BROKER_EGRESS, pace=settings.BROKER_LOGIN_PACE)
    return QuadcodeConnector(Hosts.of(settings.BROKERS[brand]), gate=gate)


@cache
def paper_market() -> PaperMarket:
    """The one market of this installation."""
    listings = usual_listings(settings.PAPER_SEED)
    if settings.PAPER_PRICES:
        listings = {}
        for number, path in enumerate(sorted(settings.PAPER_PRICES.glob("*.csv")), 1):
            with path.open(encoding="utf-8") as lines:
                listings[path.stem] = Listing(path.stem, number, read_recording(lines))
    return PaperMarket(listings, settings.PAPER_SEED)
