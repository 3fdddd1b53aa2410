"""Ports for servers, and a guard: a test reaches this machine and nothing else."""

import ipaddress
import socket
import sys
import time
from collections.abc import Callable


class NetworkUsedError(BaseException):
    """A test tried to leave this machine; no `except Exception` may hide it."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(ready: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Raises `TimeoutError` when `what` has not come true in time."""
    limit = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > limit:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def is_ours(host: str) -> bool:
    """Whether `host` is an address of this machine; a name other than localhost is not."""
    if host in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == socket.gethostname()
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def _asks_for_a_route(connecting: object) -> bool:
    """A datagram socket sends nothing by connecting: it learns the address it would leave from."""
    return isinstance(connecting, socket.socket) and connecting.type == socket.SOCK_DGRAM


def _refuse_the_network(event: str, args: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = args[1]
        if event == "socket.connect" and _asks_for_a_route(args[0]):
            return
        if isinstance(address, tuple) and not is_ours(str(address[0])):
            raise NetworkUsedError(f"a test connected to {address}")
    elif event == "socket.getaddrinfo" and args[0] is not None:
        host = args[0].decode() if isinstance(args[0], bytes) else str(args[0])
        if not is_ours(host):
            raise NetworkUsedError(f"a test asked for the address of {host}")


def guard_the_network() -> None:
    """From now on, for the life of this process."""
    sys.addaudithook(_refuse_the_network)
