"""Codes that are shown once and kept as a hash."""

import hashlib
import secrets


def new_code() -> str:
    """32 letters, digits, - and _ with 192 bits of chance."""
    return secrets.token_urlsafe(24)


def hash_of(code: str) -> str:
    # The code is random, so that a quick hash says nothing about it.
    return hashlib.sha256(code.encode()).hexdigest()
