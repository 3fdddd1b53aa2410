"""Who is on the other side of a connection.

The address is the socket's own. Only where that is one of `TRUSTED_PROXIES` is
`X-Forwarded-For` read, from its right end: each proxy adds the address that it saw, so what lies
to the left of the first address that is no proxy of ours was written by the client.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest

AGENT_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Client:
    """`ip` in its shortest form, None where the peer has none (a Unix socket, a test)."""

    ip: str | None
    user_agent: str


def client_of(request: HttpRequest) -> Client:
    meta = request.META
    return _client(
        meta.get("REMOTE_ADDR", ""),
        meta.get("HTTP_X_FORWARDED_FOR", ""),
        meta.get("HTTP_USER_AGENT", ""),
    )


def client_of_scope(scope: Mapping[str, Any]) -> Client:
    """The same for an ASGI connection scope."""
    texts: dict[bytes, list[str]] = {b"x-forwarded-for": [], b"user-agent": []}
    for name, value in scope.get("headers", ()):
        if name.lower() in texts:
            texts[name.lower()].append(value.decode("latin-1"))
    peer = scope.get("client")
    forwarded, agent = ",".join(texts[b"x-forwarded-for"]), ",".join(texts[b"user-agent"])
    return _client(peer[0] if peer else "", forwarded, agent)


def is_trusted_proxy(peer: str) -> bool:
    address = _plain(peer)
    return address is not None and _is_ours(address)


def _client(peer: str, forwarded: str, agent: str) -> Client:
    printable = "".join(letter for letter in agent if letter.isprintable())
    return Client(ip=_address(peer, forwarded), user_agent=printable[:AGENT_LENGTH])


def _address(peer: str, forwarded: str) -> str | None:
    address = _plain(peer)
    for entry in reversed(forwarded.split(",")):
        if address is None or not _is_ours(address):
            break
        # What cannot be read was not written by a proxy of ours: the proxy itself answers for it.
        before = _plain(entry)
        if before is None:
            break
        address = before
    return address


def _plain(text: str) -> str | None:
    """An address without brackets, port, zone or IPv4 mapping; None for anything else."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _is_ours(address: str) -> bool:
    networks = _networks(tuple(settings.TRUSTED_PROXIES))
    return any(ip_address(address) in network for network in networks)


@lru_cache(maxsize=8)
def _networks(names: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(name, strict=False) for name in names)
