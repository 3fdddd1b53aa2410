"""One run in a process of its own: with limits, in its own group, without our environment."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from fpga_export.confined import Limits, limited

log = logging.getLogger(__name__)

MEMORY: Final = 4 << 30  # bytes of address space; GHDL's own limit is lower
FILE: Final = 256 << 20  # bytes of the largest file
LOOK_S: Final = 0.1  # between two looks at whether it has ended
TELL_S: Final = 0.5  # between two looks at how far it is, and at whether it is to go on
REFUSED: Final = 3  # the exit status of a run that says in error.json why nothing was made

# Hears {progress, step}; a run for which it says False is killed.
GoesOn = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended."""

    code: int | None  # None: it was killed
    result: dict[str, Any]
    error: dict[str, Any]


def run_child(
    folder: Path,
    asked: Mapping[str, Any],
    *,
    seconds: float,
    cpu_seconds: float | None = None,
    goes_on: GoesOn | None = None,
) -> Ended:
    """Run `fpga_export.work` in `folder`, for so long at most. Whatever it started ends with it.

    `cpu_seconds` is as long as `seconds` where nothing else is said.
    """
    (folder / "request.json").write_text(json.dumps(dict(asked)))
    for old in ("result.json", "error.json", "progress.json"):
        (folder / old).unlink(missing_ok=True)
    with (folder / "log").open("wb") as said:
        child = subprocess.Popen(  # noqa: S603 - our own module
            _command(folder, cpu_seconds or seconds),
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = _wait(child, folder, seconds, goes_on)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if code not in {0, REFUSED}:
        log.warning("an export's child ended with %s: %s", code, _tail(folder / "log"))
    return Ended(code, _json(folder / "result.json"), _json(folder / "error.json"))


def _command(folder: Path, cpu_seconds: float) -> list[str]:
    program = [sys.executable, "-m", "fpga_export.work", str(folder), str(os.getpid())]
    return limited(program, Limits(cpu_seconds=int(cpu_seconds), memory=MEMORY, file=FILE))


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(settings.BASE_DIR),
    }


def _wait(
    child: subprocess.Popen[bytes], folder: Path, seconds: float, goes_on: GoesOn | None
) -> int | None:
    """The exit status; None where it is to be killed."""
    until, told_at = time.monotonic() + seconds, 0.0
    while time.monotonic() < until:
        with suppress(subprocess.TimeoutExpired):
            return child.wait(LOOK_S)
        if goes_on and time.monotonic() - told_at > TELL_S:
            told_at = time.monotonic()
            if not goes_on(_json(folder / "progress.json")):
                return None
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _tail(path: Path) -> str:
    try:
        return path.read_text(errors="replace")[-2000:]
    except OSError:
        return ""
