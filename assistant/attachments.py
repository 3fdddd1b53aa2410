"""Files beside messages: looked at when they come, kept for nobody but their owner.

A picture is one that can be decoded, anything else is a text in UTF-8; no other kind is taken.
"""

import os
import secrets
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from assistant.models import Attached, Message
from assistant.providers.base import Attachment
from assistant.refusals import NotFound
from predictions.core.headers import sniff
from predictions.core.images import BadImage, decode
from predictions.core.reading import Failed
from predictions.refusals import PictureRefused
from visionai.lib.errors import DomainError

LARGEST: Final = 10 * 2**20  # bytes of a picture
LARGEST_TEXT: Final = 512 * 2**10
MOST_OF_A_MESSAGE: Final = 6
MOST_OF_A_USER: Final = 200 * 2**20  # bytes
UNSENT_KEPT: Final = timedelta(hours=24)
TEXT: Final = "text/plain"
TEXT_KINDS: Final = {
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
}


class TooLarge(DomainError):
    status, code, title = 413, "too_large", _("The file is too large")
    detail = _("A picture has at most {picture} MiB and a text {text} KiB; send a smaller one.")


class UnsupportedFile(DomainError):
    status, code, title = 415, "unsupported_format", _("Not a kind of file that is read here")
    detail = _("Attach a JPEG, PNG or WebP picture, or a text in UTF-8.")


class TooManyFiles(DomainError):
    status, code, title = 409, "too_many_files", _("Too many files")
    detail = _("A message takes at most {limit} files.")


class NoRoom(DomainError):
    status, code, title = 409, "no_room", _("No room for more files")
    detail = _("Your files take {used} of {limit} MiB; delete conversations that have some.")


def keep(user: User, *, name: str, data: bytes, at: datetime) -> Attached:
    """Store an upload. Raises a `DomainError` for what is not taken."""
    media_type = _kind(name, data)
    stored = secrets.token_hex(16)
    with transaction.atomic():
        User.objects.get_queryset().select_for_update().filter(pk=user.pk).first()
        used = Attached.objects.filter(user=user).aggregate(sum=Sum("size"))["sum"] or 0
        if used + len(data) > MOST_OF_A_USER:
            raise NoRoom(used=used >> 20, limit=MOST_OF_A_USER >> 20)
        _write(stored, data)
        return Attached.objects.create(
            user=user,
            name=_plain_name(name),
            media_type=media_type,
            size=len(data),
            stored=stored,
            created_at=at,
        )


def check_size(size: int | None) -> None:
    """Refuse by the announced size, before anything is read. Raises `TooLarge`."""
    if size is None or size > LARGEST:
        raise TooLarge(picture=LARGEST >> 20, text=LARGEST_TEXT >> 10)


@transaction.atomic
def withdraw(file: Attached) -> None:
    """Remove an upload. Raises `NotFound` where a message has it: it goes with that."""
    deleted, _rows = Attached.objects.filter(pk=file.pk, message=None).delete()
    if not deleted:
        raise NotFound
    forget_unused({file.stored})


def take(pks: Sequence[uuid.UUID], *, user: User | None, message: Message) -> None:
    """Put uploads that no message has yet beside this one. Raises a `DomainError`."""
    if len(pks) > MOST_OF_A_MESSAGE:
        raise TooManyFiles(limit=MOST_OF_A_MESSAGE)
    if not pks:
        return
    free = Attached.objects.filter(pk__in=set(pks), user=user, message=None)
    if user is None or free.update(message=message) != len(set(pks)):
        raise NotFound


def repeat(files: Iterable[Attached], *, message: Message, at: datetime) -> None:
    """The same files beside another message; the bytes are stored once."""
    for file in files:
        Attached.objects.create(
            user_id=file.user_id,
            message=message,
            name=file.name,
            media_type=file.media_type,
            size=file.size,
            stored=file.stored,
            created_at=at,
        )


def read(file: Attached) -> bytes:
    """Raises `NotFound` where the file is gone from the disk."""
    try:
        return (folder() / file.stored).read_bytes()
    except FileNotFoundError as error:
        raise NotFound from error


def for_provider(message: Message) -> tuple[Attachment, ...]:
    """The message's files as a provider gets them; one that is lost is left out."""
    found = []
    for file in message.attached.all():
        try:
            found.append(Attachment(file.name, file.media_type, read(file)))
        except NotFound:
            continue
    return tuple(found)


def stored_of(files: "QuerySet[Attached]") -> set[str]:
    return set(files.values_list("stored", flat=True))


def forget_unused(names: set[str]) -> None:
    """Remove from the disk, after the commit, those that no row names any more."""
    transaction.on_commit(lambda: _forget(names), robust=True)


def forget_unsent(*, at: datetime) -> None:
    """Remove uploads that no message took for a day, and files that no row ever named."""
    with transaction.atomic():
        old = Attached.objects.all().unsent_before(at - UNSENT_KEPT)
        names = stored_of(old)
        old.delete()
        forget_unused(names)
    before = (at - UNSENT_KEPT).timestamp()
    lost = {path.name for path in folder().iterdir() if path.stat().st_mtime < before}
    _forget(lost)


def folder() -> Path:
    place = Path(settings.DATA_DIR) / "attachments"
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def _forget(names: set[str]) -> None:
    used = set(Attached.objects.filter(stored__in=names).values_list("stored", flat=True))
    for name in names - used:
        (folder() / name).unlink(missing_ok=True)


def _write(stored: str, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(folder() / stored, flags, 0o600), "wb") as file:
        file.write(data)


def _kind(name: str, data: bytes) -> str:
    check_size(len(data))
    if kind := sniff(data):
        try:
            decode(data)
        except BadImage as refusal:
            failed = Failed(refusal.code, refusal.message, refusal.facts)
            raise PictureRefused(failed) from refusal
        return f"image/{kind.lower()}"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnsupportedFile from error
    if not text.strip() or "\0" in text:
        raise UnsupportedFile
    if len(data) > LARGEST_TEXT:
        raise TooLarge(picture=LARGEST >> 20, text=LARGEST_TEXT >> 10)
    return TEXT_KINDS.get(PurePath(name).suffix.lower(), TEXT)


def _plain_name(name: str) -> str:
    """The last part of a path, of characters that a person can see."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return seen[-120:] or "file"
