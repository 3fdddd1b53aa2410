"""Folders on the disk: private, whole or not there, found by rows and never by what is asked."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.conf import settings

FOLDERS: Final = (
    "layer_outputs",
    "vhdl_outputs",
    "model_weights_outputs",
    "hdl_designs",
    "fault_outputs",
)
SHIPPED: Final = Path(settings.BASE_DIR) / "predictions" / "ml_models"


def root() -> Path:
    """Everything of this app's, for nobody else on the machine."""
    return _private(Path(settings.DATA_DIR) / "hardware")


def networks() -> Path:
    return _private(root() / "networks")


def work(session_id: str) -> Path:
    """Where a run writes before its files are published."""
    return _private(root() / "work") / session_id


def shipped() -> dict[str, Path]:
    """The networks that came with the product, by file name."""
    return {path.name: path for path in sorted(SHIPPED.glob("*.keras"))}


def class_names(name: str) -> list[str]:
    """What a shipped network's card calls its classes; none for a network of somebody's own."""
    if name not in shipped():
        return []
    card = (SHIPPED / name).with_suffix(".json")
    try:
        classes = json.loads(card.read_text("utf-8")).get("classes", [])
    except (OSError, ValueError):
        return []
    return [str(one) for one in classes]


def below(folder: str) -> list[Path]:
    """What lies in one of this app's folders; none where it was never made."""
    place = root() / folder
    return sorted(place.iterdir()) if place.is_dir() else []


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def published(folder: str, session_id: str) -> Path:
    """Where a session's files of that kind lie once it is done."""
    if folder not in FOLDERS:
        raise ValueError(folder)
    return root() / folder / session_id


def made_bytes(session_id: str) -> int:
    """What a run made that is not published yet."""
    made = (work(session_id) / "out").rglob("*")
    return sum(path.lstat().st_size for path in made if path.is_file())


def publish(session_id: str) -> Iterator[tuple[str, str, int, str]]:
    """Move each finished folder into place, whole; gives folder, name, bytes, SHA-256 of each file.

    Safe to do twice: what an earlier try left is replaced.
    """
    made = work(session_id) / "out"
    for folder in FOLDERS:
        source = made / folder
        if not source.is_dir():
            continue
        found = list(_files(source))
        target = published(folder, session_id)
        _private(target.parent)
        shutil.rmtree(target, ignore_errors=True)
        source.rename(target)
        for name, size, digest in found:
            yield folder, name, size, digest


def _files(folder: Path) -> Iterator[tuple[str, int, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o700)
        elif path.is_file() and not path.is_symlink():
            path.chmod(0o600)
            data = path.read_bytes()
            yield path.relative_to(folder).as_posix(), len(data), hashlib.sha256(data).hexdigest()
    folder.chmod(0o700)


def copy_design(session_id: str, target: Path) -> None:
    """A finished design's files, for a run that starts from them. Raises `FileNotFoundError`."""
    shutil.copytree(published("hdl_designs", session_id), target)


def forget(session_id: str) -> None:
    """Remove all that a session left on the disk."""
    for folder in FOLDERS:
        shutil.rmtree(published(folder, session_id), ignore_errors=True)
    shutil.rmtree(work(session_id), ignore_errors=True)


def write_private(path: Path, data: bytes) -> None:
    """A file for nobody else, whole or not there."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.rename(path)
