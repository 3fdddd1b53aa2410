"""A secret that is made once and kept in a file that only this account can read."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path


def kept_secret(path: Path) -> str:
    """The secret in `path`; makes it (64 hex digits, mode 0600) where there is none yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Written whole under a name of its own, then linked: of any number that start at once one
        # wins, and none reads half a secret.
        handle, part = tempfile.mkstemp(dir=path.parent)  # mode 0600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(part, path)
        Path(part).unlink()
    return path.read_text(encoding="ascii").strip()
