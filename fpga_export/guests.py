"""Clients without an account, where the operator lets them export.

Each is one browser or program, known by a key of 256 bits that the server gave it: a browser keeps
it as a cookie, a program sends it back as `X-Client-Session`. A key that we did not give is
nobody's, so none can be agreed upon, and there is no shared pool.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from fpga_export.models import ExportSession, Guest
from fpga_export.services import erase_of

COOKIE: Final = "visionai_client"
HEADER: Final = "X-Client-Session"
KEY_CHARACTERS: Final = 43


def known_guest(key: str, *, at: datetime) -> Guest | None:
    """The guest to whom that key was given."""
    if len(key) != KEY_CHARACTERS:
        return None
    found = Guest.objects.filter(key_hash=_hash(key)).first()
    if found is not None and at - found.last_seen > timedelta(minutes=1):
        found.last_seen = at
        found.save(update_fields=["last_seen"])
    return found


def new_guest(*, address: str | None, at: datetime) -> tuple[Guest, str]:
    """A guest, not kept before it makes something, and its key."""
    key = secrets.token_urlsafe(32)
    return Guest(key_hash=_hash(key), address=address or "", last_seen=at), key


def forget_guests(*, age: timedelta, at: datetime) -> int:
    """Forget those who were not seen for `age`, with all that is theirs; how many."""
    gone = Guest.objects.filter(last_seen__lt=at - age)
    busy = ExportSession.objects.filter(guest__in=gone, ended_at=None).values("guest_id")
    count = 0
    for guest in gone.exclude(pk__in=busy):
        erase_of(guest)
        guest.delete()
        count += 1
    return count


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
