"""How often visitors may ask, by their address; users have the quota of their plan."""

from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Final

from django.core.cache import cache

from assistant.refusals import TooFast

A_MINUTE: Final = 30  # questions of one address


def count_visitor(ip: str | None, *, at: datetime) -> None:
    """Count a question. Raises `TooFast`."""
    key = f"chat:{_network(ip)}:{int(at.timestamp()) // 60}"
    cache.add(key, 0, 120)
    try:
        count = cache.incr(key)
    except ValueError:  # the cache threw it out
        return
    if count > A_MINUTE:
        left = 60 - int(at.timestamp()) % 60
        raise TooFast(retry_after=left, retry_in=left)


def _network(ip: str | None) -> str:
    """An IPv6 client has a whole network of addresses to itself."""
    if ip is None:
        return "unknown"
    if ip_address(ip).version == 4:
        return ip
    return str(ip_network(f"{ip}/64", strict=False))
