"""Texts that the database keeps but cannot read.

Each text has a data key of its own. The data key stands beside the text, wrapped by a key that is
never in the database: the first of `SECRETS_KEYS`, else of a file in the data folder. The text is
bound to its owner, row and field, so that one that was moved elsewhere does not open. A change of
keys re-wraps the data keys alone (`accounts/rotation.py`).

    version 1 B | key id 8 B | nonce 12 B | wrapped data key 48 B | nonce 12 B | text, tag 16 B
"""

import hashlib
import logging
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db.models import BinaryField, Count, F, Func
from django.utils.translation import gettext_lazy as _

from accounts import hooks
from visionai.lib.errors import DomainError
from visionai.lib.secret import kept_secret

log = logging.getLogger(__name__)

VERSION: Final = b"\x02"
KEY: Final = 32  # bytes
KEY_ID: Final = 8
NONCE: Final = 12
TAG: Final = 16
HEAD: Final = len(VERSION) + KEY_ID
WRAPPED: Final = HEAD + NONCE + KEY + TAG  # where the text's own nonce starts
FILE: Final = "sealing_keys"


class SealBroken(DomainError):
    """The key is not here, the place is another one, or the bytes were changed: all the same."""

    status, code, title = 409, "seal_broken", _("What was kept sealed cannot be opened")
    detail = _(
        "What was kept sealed here cannot be opened; enter it again, or ask the operator to bring "
        "back the keys."
    )


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A key that wraps data keys. Its id says nothing about it."""

    secret: bytes

    @property
    def id(self) -> bytes:
        return hashlib.sha256(b"visionai sealing key\x00" + self.secret).digest()[:KEY_ID]


def seal(text: str, *, owner: str, row: str, field: str) -> bytes:
    """The text, to be opened again only for the same owner, row and field."""
    data_key, nonce = AESGCM.generate_key(KEY * 8), os.urandom(NONCE)
    body = AESGCM(data_key).encrypt(nonce, text.encode(), _place(owner, row, field))
    return _wrap(data_key, known_keys()[0]) + nonce + body


def open_sealed(blob: bytes, *, owner: str, row: str, field: str) -> str:
    """Raises `SealBroken`."""
    data_key = _unwrap(blob)
    nonce, body = blob[WRAPPED : WRAPPED + NONCE], blob[WRAPPED + NONCE :]
    try:
        return AESGCM(data_key).decrypt(nonce, body, _place(owner, row, field)).decode()
    except (InvalidTag, ValueError) as error:
        log.warning("a sealed %s did not open: moved or changed", field)
        raise SealBroken from error


def rewrapped(blob: bytes) -> bytes | None:
    """The same under the first key; None where it is already. Raises `SealBroken`."""
    first = known_keys()[0]
    if blob[:HEAD] == VERSION + first.id:
        return None
    return _wrap(_unwrap(blob), first) + blob[WRAPPED:]


def known_keys() -> list[Key]:
    """The first seals, all open. Read anew each time, so that a rotation reaches every process."""
    if settings.SECRETS_KEYS:
        return [Key(bytes.fromhex(one)) for one in settings.SECRETS_KEYS]
    path = key_file()
    if not path.exists():
        if sealed_under():  # a new key would hide that the old one is gone
            raise SealBroken
        kept_secret(path)
    return [Key(bytes.fromhex(line)) for line in path.read_text(encoding="ascii").split()]


def sealed_under() -> Counter[bytes]:
    """How many seals the database holds under each key, by its id."""
    found: Counter[bytes] = Counter()
    for column in hooks.sealed:
        head = Func(F(column.field), 1, HEAD, function="SUBSTR", output_field=BinaryField())
        rows = column.model._default_manager.exclude(**{column.field: None})
        heads = rows.annotate(seal_head=head).values("seal_head").order_by()
        for row in heads.annotate(seals=Count("pk")):
            found[bytes(row["seal_head"])[len(VERSION) :]] += row["seals"]
    return found


def key_file() -> Path:
    return Path(settings.DATA_DIR) / FILE


def _wrap(data_key: bytes, key: Key) -> bytes:
    head, nonce = VERSION + key.id, os.urandom(NONCE)
    return head + nonce + AESGCM(key.secret).encrypt(nonce, data_key, head)


def _unwrap(blob: bytes) -> bytes:
    head, nonce = blob[:HEAD], blob[HEAD : HEAD + NONCE]
    key = next((one for one in known_keys() if VERSION + one.id == head), None)
    if key is None:
        log.warning("a seal under a key that is not here: %s", head[1:].hex())
        raise SealBroken
    try:
        return AESGCM(key.secret).decrypt(nonce, blob[HEAD + NONCE : WRAPPED], head)
    except (InvalidTag, ValueError) as error:
        log.warning("a seal was changed")
        raise SealBroken from error


def _place(owner: str, row: str, field: str) -> bytes:
    """Lengths first, so that no two places read the same."""
    parts = [part.encode() for part in (owner, row, field)]
    return VERSION + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
