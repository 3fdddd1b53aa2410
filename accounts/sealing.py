"""Texts that the database keeps but cannot read: AES-GCM, bound to owner, row and field."""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from visionai.lib.secret import kept_secret

NONCE = 12  # bytes
VERSION = b"\x01"


class SealBroken(Exception):
    """The key is another one, or the seal belongs to another owner, row or field."""


def seal(text: str, *, owner: str, row: str, field: str) -> bytes:
    nonce = secrets.token_bytes(NONCE)
    bound = _bound(owner, row, field)
    return VERSION + nonce + AESGCM(_key()).encrypt(nonce, text.encode(), bound)


def open_sealed(blob: bytes, *, owner: str, row: str, field: str) -> str:
    """Raises `SealBroken`."""
    nonce, rest = blob[1 : 1 + NONCE], blob[1 + NONCE :]
    try:
        return AESGCM(_key()).decrypt(nonce, rest, _bound(owner, row, field)).decode()
    except (InvalidTag, ValueError) as error:
        raise SealBroken from error


def _bound(owner: str, row: str, field: str) -> bytes:
    return "\x1f".join((owner, row, field)).encode()


def _key() -> bytes:
    return bytes.fromhex(kept_secret(settings.DATA_DIR / "sealing_key"))
