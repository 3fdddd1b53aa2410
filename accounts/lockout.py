"""Brute force: how many tries may fail before the next one is refused.

Tries are counted by (account, address) and, more generously, by address. Never by the account
alone: a stranger could then lock its owner out. A try is written before the password is looked at
and removed when it was right, so that parallel tries cannot outrun the count: of any number, no
more than the limit get as far as a check.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import Attempt
from visionai.lib.errors import DomainError

KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limits:
    per_pair: int  # tries of one account from one address
    per_address: int
    window: timedelta


SIGN_IN, RESET, REGISTER, CONTACT = "sign_in", "reset", "register", "message"
LIMITS = {
    SIGN_IN: Limits(per_pair=10, per_address=100, window=timedelta(minutes=15)),
    RESET: Limits(per_pair=3, per_address=20, window=timedelta(hours=1)),
    REGISTER: Limits(per_pair=100, per_address=100, window=timedelta(hours=1)),
    CONTACT: Limits(per_pair=10, per_address=10, window=timedelta(hours=1)),
}


class TooManyAttempts(DomainError):
    status, code, title = 429, "too_many_attempts", _("Too many attempts")
    detail = _("Too many attempts have failed; try again in {wait}.")


def begin_attempt(purpose: str, *, account: str, ip: str | None, at: datetime) -> Attempt:
    """Count a try, which stays counted unless `forgive` is called. Raises `TooManyAttempts`.

    Must not run inside a transaction that stays open: others would not see the try.
    """
    pair = (_digest(account), _network(ip))
    # A look first, so that what is refused anyway writes nothing.
    _refuse_beyond(purpose, pair, at=at, room=1)
    attempt = Attempt.objects.create(purpose=purpose, account=pair[0], address=pair[1], at=at)
    try:
        _refuse_beyond(purpose, pair, at=at, room=0)
    except TooManyAttempts:
        attempt.delete()
        raise
    return attempt


def count_attempts(purpose: str, *, account: str, at: datetime) -> int:
    """How many within the window, from any address."""
    since = at - LIMITS[purpose].window
    tries = Attempt.objects.filter(purpose=purpose, account=_digest(account), at__gt=since)
    return tries.count()


def forgive(attempt: Attempt) -> None:
    """The try was right: the account's tries from this address are forgotten."""
    pair = {"account": attempt.account, "address": attempt.address}
    Attempt.objects.filter(purpose=attempt.purpose, **pair).delete()


def forget_account(account: str) -> None:
    Attempt.objects.filter(account=_digest(account)).delete()


def prune_attempts(*, at: datetime) -> None:
    """Remove what no window reaches any more."""
    Attempt.objects.filter(at__lt=at - KEPT).delete()


def _refuse_beyond(purpose: str, pair: tuple[str, str], *, at: datetime, room: int) -> None:
    limits = LIMITS[purpose]
    since = at - limits.window
    recent = Attempt.objects.filter(purpose=purpose, address=pair[1], at__gt=since).order_by("at")
    mine = recent.filter(account=pair[0])
    waits = [
        _wait(mine, limits.per_pair - room, at=at, window=limits.window),
        _wait(recent, limits.per_address - room, at=at, window=limits.window),
    ]
    if any(waits):
        seconds = min(max(waits), int(limits.window.total_seconds()))
        raise TooManyAttempts(retry_after=seconds, wait=in_words(seconds))


def _wait(tries: QuerySet[Attempt], allowed: int, *, at: datetime, window: timedelta) -> int:
    """Seconds until no more than `allowed` are within the window; 0 when that is so now."""
    times = list(tries.values_list("at", flat=True))
    if len(times) <= allowed:
        return 0
    free_at = times[len(times) - allowed - 1] + window
    return max(1, -int((at - free_at).total_seconds() // 1))


def in_words(seconds: int) -> str:
    if seconds < 60:
        return ngettext("{n} second", "{n} seconds", seconds).format(n=seconds)
    minutes = -(-seconds // 60)
    return ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)


def _digest(account: str) -> str:
    return hashlib.sha256(account.encode()).hexdigest()


def _network(ip: str | None) -> str:
    """An address; of IPv6 the /64, all of which belongs to one customer."""
    if ip is None:
        return "none"
    address = ip_address(ip)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)
