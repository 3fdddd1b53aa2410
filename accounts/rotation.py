"""Keys change, and what they seal goes along: re-wrapped in batches, in any number of runs."""

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts import hooks, sealing
from visionai.lib.errors import ConfigurationError

BATCH: Final = 200  # rows
# A process may have sealed with the old first key and not have committed its row yet.
REST: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Rotated:
    rewrapped: int  # seals that are now under the first key
    lost: int  # seals that no key here opens


def rotate() -> Rotated:
    """Bring every sealed column under the first key. Safe to run twice, at once, and to be killed:
    each seal is replaced only where it is still the one that was read."""
    rewrapped = lost = 0
    for column in hooks.sealed:
        for pk, blob in _seals(column):
            try:
                new = sealing.rewrapped(blob)
            except sealing.SealBroken:
                lost += 1
                continue
            if new is not None:
                same = _rows(column).filter(pk=pk, **{column.field: blob})
                rewrapped += same.update(**{column.field: new})
    return Rotated(rewrapped, lost)


def add_key() -> str:
    """Put a new key first in the file, and give its id. Raises `ConfigurationError`."""
    with _the_file() as path:
        kept = [one.secret.hex() for one in sealing.known_keys()]
        fresh = secrets.token_hex(sealing.KEY)
        _write(path, [fresh, *kept])
    return sealing.Key(bytes.fromhex(fresh)).id.hex()


def forget_keys(*, at: datetime) -> int:
    """Drop the keys that nothing is under any more. Raises `ConfigurationError` where a row is, or
    where the first key is too new for the others to be idle."""
    with _the_file() as path:
        first, *others = sealing.known_keys()
        changed = datetime.fromtimestamp(path.stat().st_mtime, at.tzinfo)
        if others and at - changed < REST:
            wait = _("the first key is new; try again in %(minutes)d minutes")
            raise ConfigurationError([_named(wait % {"minutes": REST.seconds // 60})])
        used = sealing.sealed_under()
        busy = sum(used[one.id] for one in others)
        if busy:
            cure = _("%(n)d values are still under an older key: manage.py rotate_keys")
            raise ConfigurationError([_named(cure % {"n": busy})])
        if others:
            _write(path, [first.secret.hex()])
    return len(others)


def discard_lost() -> int:
    """Forget what no key here opens, for good; its owners enter it again."""
    known = {sealing.VERSION + key.id for key in sealing.known_keys()}
    gone = 0
    for column in hooks.sealed:
        for pk, blob in _seals(column):
            if blob[: sealing.HEAD] not in known:
                same = _rows(column).filter(pk=pk, **{column.field: blob})
                gone += same.update(**{column.field: None})
    return gone


def check_keys() -> None:
    """At the start: raises `ConfigurationError` where rows are sealed under a key that is not here.

    Makes the first key of a fresh machine.
    """
    used = sealing.sealed_under()
    path = sealing.key_file()
    if not settings.SECRETS_KEYS:
        if used and not path.exists():
            raise ConfigurationError([_lost(sum(used.values()), str(path))])
        sealing.known_keys()
        if path.stat().st_mode & 0o077:
            cure = _("others can read %(path)s: chmod 600 %(path)s")
            raise ConfigurationError([_named(cure % {"path": path})])
    here = {key.id for key in sealing.known_keys()}
    if lost := sum(count for key_id, count in used.items() if key_id not in here):
        raise ConfigurationError([_lost(lost, str(path))])


def _rows(column: hooks.SealedColumn) -> QuerySet[Any]:
    return column.model._default_manager.exclude(**{column.field: None})


def _seals(column: hooks.SealedColumn) -> Iterator[tuple[Any, bytes]]:
    """(primary key, seal) of all rows, read a batch at a time."""
    rows, last = _rows(column).order_by("pk").values_list("pk", column.field), None
    while batch := list((rows if last is None else rows.filter(pk__gt=last))[:BATCH]):
        for pk, blob in batch:
            yield pk, bytes(blob)
        last = batch[-1][0]


@contextmanager
def _the_file() -> Iterator[Path]:
    """The key file, for one change at a time. Raises `ConfigurationError` where there is none."""
    if settings.SECRETS_KEYS:
        raise ConfigurationError([_named(_("the keys are set there; change them there"))])
    path = sealing.key_file()
    with path.with_suffix(".lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield path


def _write(path: Path, lines: list[str]) -> None:
    """All of it or nothing: a machine that stops half-way keeps the old file."""
    handle, part = tempfile.mkstemp(dir=path.parent)  # mode 0600
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(part).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _lost(count: int, path: str) -> str:
    cure = _(
        "%(n)d sealed values need a key that is not here; bring back %(path)s from the backup or "
        "set SECRETS_KEYS, or give the values up: manage.py rotate_keys --discard-lost"
    )
    return _named(cure % {"n": count, "path": path})


def _named(cure: str) -> str:
    return f"SECRETS_KEYS: {cure}"
