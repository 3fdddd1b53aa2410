"""Who runs a session: one node, under a lease, with a number that grows at each change of hands.

A node writes only under the number it got (`owned`): one that was paused past its lease finds
another number and writes nothing. The lease says when another node may take over, the number
says whose word counts; clocks that differ cost a take-over too early or late, never two owners.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q

from sessions_app.changes import announce
from trading import uptime
from trading.events import TRADING_WORK
from trading.models import Command, TradingSession
from trading.turns import turn

ANY = ""  # no session's number: there is work for whoever has room


class Fenced(Exception):
    """Another node owns the session now."""


@dataclass(frozen=True, slots=True)
class Claim:
    session_id: UUID
    fence: int


def claim(node: str, *, lease: timedelta, most: int, at: datetime) -> list[Claim]:
    """Take sessions that need a node and have none."""
    asked = Command.objects.filter(session=OuterRef("pk"), state=Command.State.WAITING)
    needing = ~Q(state__in=TradingSession.AT_REST) | Exists(asked)
    free = TradingSession.objects.free_at(at).filter(needing).order_by("created_at")
    if not free.exists():  # mostly; and then nothing is locked
        return []
    skip = connection.features.has_select_for_update_skip_locked  # what another node takes
    with turn(), transaction.atomic():
        rows = free.select_for_update(skip_locked=skip)
        found = list(rows.only("fence", "lease_until", "heartbeat_at", *uptime.FIELDS)[:most])
        left = [row for row in found if row.connected_at is not None]
        for row in left:  # their connections stood for as long as their last owner lived
            uptime.end(row, at=at)
        TradingSession.objects.bulk_update(left, uptime.FIELDS)
        TradingSession.objects.filter(pk__in=[row.pk for row in found]).update(
            node=node, fence=F("fence") + 1, lease_until=at + lease, heartbeat_at=at
        )
    return [Claim(row.pk, row.fence + 1) for row in found]


def renew(node: str, *, lease: timedelta, at: datetime) -> dict[UUID, int]:
    """Prolong all leases of the node; the numbers of the sessions that it still owns."""
    mine = TradingSession.objects.filter(node=node)
    with turn(), transaction.atomic():
        # Locked in the order in which everybody locks several.
        found = dict(mine.select_for_update().order_by("pk").values_list("pk", "fence"))
        mine.update(lease_until=at + lease, heartbeat_at=at)
    return found


@contextmanager
def owned(session_id: UUID, fence: int) -> Iterator[TradingSession]:
    """The session's row, locked, in a transaction of its own. Raises `Fenced`."""
    with turn(), transaction.atomic():
        row = TradingSession.objects.select_for_update().filter(pk=session_id).first()
        if row is None or row.fence != fence or not row.node:
            raise Fenced
        yield row


def release(session_id: UUID, fence: int) -> None:
    """Leave the session to whoever comes next."""
    mine = TradingSession.objects.filter(pk=session_id, fence=fence)
    mine.update(node="", lease_until=None)


def release_all(node: str) -> None:
    """The same for all that the node owns; every other node hears of it."""
    with turn(), transaction.atomic():
        TradingSession.objects.filter(node=node).update(node="", lease_until=None)
        announce(TRADING_WORK, ANY)
