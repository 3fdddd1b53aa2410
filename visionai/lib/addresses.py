"""The names and addresses under which this machine can be reached."""

import ipaddress
import socket


def own_names() -> list[str]:
    """The host's own name, its full name, and `localhost`."""
    names = {socket.gethostname(), socket.getfqdn(), "localhost"}
    return sorted(name for name in names if name and not _is_address(name))


def own_addresses() -> list[str]:
    """Loopback and network addresses, in order; no packet is sent to find them."""
    found = {"127.0.0.1", "::1"}
    try:
        entries = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        entries = []
    found |= {str(entry[4][0]).split("%")[0] for entry in entries}
    # The address a packet would leave from; the destinations are reserved for documentation.
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                found.add(str(probe.getsockname()[0]).split("%")[0])
        except OSError:
            continue
    return sorted(found, key=lambda text: (":" in text, text))


def network_addresses() -> list[str]:
    """Those that another machine can use."""
    return [name for name in own_addresses() if not _is_local(name)]


def _is_local(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return parsed.is_loopback or parsed.is_link_local


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
