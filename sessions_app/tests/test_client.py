from ipaddress import ip_address

import pytest
from django.http import HttpRequest
from django.test import RequestFactory, override_settings
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from sessions_app.client import Client, _client, client_of, client_of_scope


def address(peer: str, forwarded: str | None = None) -> str | None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return client_of(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)).ip


def test_the_address_is_the_sockets_own() -> None:
    assert address("192.0.2.7") == "192.0.2.7"


def test_a_stranger_cannot_choose_an_address() -> None:
    assert address("192.0.2.7", "10.0.0.1") == "192.0.2.7"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("203.0.113.9, 192.0.2.7", "192.0.2.7"),  # the left one is the client's own word
        ("192.0.2.7, 10.0.0.5", "192.0.2.7"),  # two proxies in a row
        ("10.0.0.5, 10.0.0.6", "10.0.0.5"),  # a client among the proxies
        ("192.0.2.7:5123", "192.0.2.7"),
        ("[2001:db8::7]:5123", "2001:db8::7"),
        ('"[2001:DB8:0::7]"', "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("nonsense", "10.0.0.1"),
        ("192.0.2.7, nonsense", "10.0.0.1"),
        ("192.0.2.7, nonsense, 10.0.0.5", "10.0.0.5"),
        ("", "10.0.0.1"),
        (",,", "10.0.0.1"),
    ],
)
def test_behind_a_proxy_the_last_address_that_is_no_proxy_counts(
    settings: Settings, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/24"]
    assert address("10.0.0.1", forwarded) == expected
    scope = {
        "client": ("10.0.0.1", 5),
        "headers": [(b"x-forwarded-for", part.encode()) for part in forwarded.split(",")],
    }
    assert client_of_scope(scope).ip == expected


def test_a_mapped_peer_is_recognised_as_the_proxy(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.1"]
    assert address("::ffff:10.0.0.1", "192.0.2.7") == "192.0.2.7"


def test_a_connection_without_address_has_none() -> None:
    assert client_of(HttpRequest()) == Client(ip=None, user_agent="")
    assert client_of_scope({"client": None, "headers": []}) == Client(ip=None, user_agent="")
    assert address("/run/visionai.sock") is None


def test_the_device_is_kept_short_and_printable() -> None:
    agent = "Fire\x00fox " + "x" * 400
    request = RequestFactory().get("/", headers={"User-Agent": agent})
    assert client_of(request).user_agent == ("Firefox " + "x" * 400)[:300]
    scope = {"client": ("192.0.2.7", 5), "headers": [(b"User-Agent", b"Fire\x00fox")]}
    assert client_of_scope(scope) == Client(ip="192.0.2.7", user_agent="Firefox")


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_the_headers_say_there_is_an_address_or_none(peer: str, forwarded: str) -> None:
    with override_settings(TRUSTED_PROXIES=["0.0.0.0/0", "::/0"]):
        for known in (peer, "10.0.0.1"):
            ip = _client(known, forwarded, "").ip
            assert ip is None or str(ip_address(ip)) == ip
