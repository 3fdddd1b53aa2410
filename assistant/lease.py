"""Who writes an answer: one process, under a lease, with a number that grows at each change of
hands. Only the holder of the number writes; one that was paused past its lease writes nothing.
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from assistant.core.folding import fold
from assistant.metering import count_call
from assistant.models import Message
from assistant.services import ASSISTANT_ANSWER
from sessions_app.changes import announce
from visionai.lib.turns import turn, writing

GIVE_UP: Final = 25  # hands through which an answer went; its question kills who takes it
State = Message.State
Fates: TypeAlias = list["Fate"]


class Fate(Enum):
    """What a write found."""

    WRITTEN = "written"
    TO_BE_STOPPED = "to be stopped"
    LOST = "lost"  # another process has it, or it is gone


@dataclass(frozen=True, slots=True)
class Claim:
    pk: UUID
    fence: int
    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """All of an answer so far. `text` is the whole of it, so that a write may be repeated."""

    text: str
    engine: str = ""
    model: str = ""
    degraded: bool = False
    sources: tuple[tuple[str, str], ...] = ()  # title, url

    def columns(self) -> dict[str, object]:
        return {
            "text": self.text,
            "engine": self.engine[:40],
            "model": self.model[:200],
            "degraded": self.degraded,
            "sources": [{"title": title, "url": url} for title, url in self.sources],
        }


def claim(pk: UUID, owner: str, *, lease: timedelta, dead: Sequence[str] = ()) -> Claim | None:
    """Take an answer that nobody writes; None where somebody does, or it has ended."""
    at = timezone.now()
    found = Message.objects.generating().filter(pk=pk).values("fence", "owner").first()
    if found is None:
        return None
    same = Message.objects.filter(pk=pk, fence=found["fence"])
    free = same.generating() if found["owner"] in dead else same.left_at(at)
    if found["fence"] >= GIVE_UP:
        free.update(state=State.FAILED, error="gave_up", ended_at=at, owner="")
        return None
    with turn():
        taken = free.update(owner=owner, fence=F("fence") + 1, lease_until=at + lease)
    if not taken:
        return None
    # Only now: until a moment ago another process may have written, and told what it wrote.
    text = Message.objects.filter(pk=pk).values_list("text", flat=True).first()
    return None if text is None else Claim(pk, found["fence"] + 1, text)


def write(wanted: Sequence[tuple[Claim, Said | None]], *, lease: timedelta) -> Fates:
    """Keep what was said of each answer, or only its lease, all in one transaction.

    Other processes are told of ends alone: who listens there looks at the row anyway.
    """
    with writing():
        return [_write(held, said, lease=lease) for held, said in wanted]


def _write(held: Claim, said: Said | None, *, lease: timedelta) -> Fate:
    mine = Message.objects.generating().filter(pk=held.pk, fence=held.fence)
    columns = said.columns() if said else {}
    until = timezone.now() + lease
    if mine.filter(wants_stop=False).update(lease_until=until, **columns):
        return Fate.WRITTEN
    return Fate.TO_BE_STOPPED if mine.exists() else Fate.LOST


@writing()
def end(held: Claim, said: Said, *, state: str, error: str = "") -> Fate:
    """Write the end, once."""
    mine = Message.objects.generating().filter(pk=held.pk, fence=held.fence)
    ended = mine.update(
        state=state,
        error=error[:40],
        folded=fold(said.text),
        ended_at=timezone.now(),
        owner="",
        lease_until=None,
        wants_stop=False,
        **said.columns(),
    )
    if not ended:
        return Fate.LOST
    if said.text and state in {State.DONE, State.STOPPED}:
        row = Message.objects.select_related("conversation__user").get(pk=held.pk)
        key, user = f"answer:{held.pk}", row.conversation.user
        count_call(user, key=key, at=timezone.now(), session_id=row.sesion_number)
    announce(ASSISTANT_ANSWER, str(held.pk))
    return Fate.WRITTEN


@writing()
def fail(held: Claim) -> None:
    """End it as it is kept, by a fault of ours."""
    mine = Message.objects.generating().filter(pk=held.pk, fence=held.fence)
    mine.update(state=State.FAILED, error="internal", ended_at=timezone.now(), owner="")
    announce(ASSISTANT_ANSWER, str(held.pk))


def leave(held: Claim) -> None:
    """For whoever comes next: this process ends."""
    mine = Message.objects.generating().filter(pk=held.pk, fence=held.fence)
    mine.update(owner="", lease_until=None)


def left(*, at: datetime) -> tuple[list[UUID], set[str]]:
    """Answers to be taken up, and the owners among theirs that are known to be dead."""
    unfinished = Message.objects.generating().values_list("pk", "owner", "lease_until")
    found, dead = [], set()
    for pk, owner, until in unfinished[:500]:
        if owner and is_dead(owner):
            dead.add(owner)
            found.append(pk)
        elif not owner or until is None or until < at:
            found.append(pk)
    return found, dead


def is_dead(owner: str) -> bool:
    """Whether a process of this machine had that name and is there no more; else its lease says.

    Names are `host:number:random`, so that a number that was given out again deceives nobody for
    longer than the lease.
    """
    host, _, rest = owner.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname()[:60] or not rest.isdecimal():
        return False
    if int(rest) == os.getpid():
        return owner not in living
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


living: set[str] = set()  # the names of this process's engines
