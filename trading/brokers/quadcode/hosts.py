"""Where one brand is."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hosts:
    login_url: str
    verify_url: str
    logout_url: str
    ws_url: str
    origin: str
    platform_id: str = "82"

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> "Hosts":
        return cls(**settings)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds of this machine."""

    http: float = 10.0
    opening: float = 10.0
    read: float = 10.0
    catalogue: float = 30.0
    order: float = 10.0
    stale: float = 5.0  # without the broker's time for so long, no order is sent
    dead: float = 60.0  # and for so long, the connection is
    requests_a_second: float = 5.0  # nought is no limit
    look: float = 1.0  # between two looks at what is due
    catalogue_age: float = 60.0  # older payouts are asked for again before an order
