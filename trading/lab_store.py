"""Folders of backtests and agents: private, whole or not there, found by a row's uid."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings


def root() -> Path:
    return _private(Path(settings.DATA_DIR) / "trading")


def work(uid: UUID) -> Path:
    """Where a job's child writes before its files are published."""
    return _private(root() / "work") / str(uid)


def published(uid: UUID) -> Path:
    return _private(root() / "jobs") / str(uid)


def candles(uid: UUID) -> Path:
    return _private(root() / "candles") / f"{uid}.csv"


def publish(uid: UUID) -> list[dict[str, Any]]:
    """Move what a child made into place, whole; name, size and SHA-256 of each file."""
    source, target = work(uid) / "out", published(uid)
    source.mkdir(mode=0o700, exist_ok=True)
    found = []
    for path in sorted(source.iterdir()):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o600)
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            found.append({"name": path.name, "size": len(data), "sha256": digest})
    source.chmod(0o700)
    shutil.rmtree(target, ignore_errors=True)
    source.rename(target)
    return found


def forget(uid: UUID) -> None:
    """Remove all that a job left on the disk."""
    for folder in (work(uid), published(uid)):
        shutil.rmtree(folder, ignore_errors=True)


def write_private(path: Path, data: bytes) -> None:
    """A file for nobody else, whole or not there."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.rename(path)


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
