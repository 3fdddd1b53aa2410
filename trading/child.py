"""One backtest or training in a process of its own: with limits, and without our environment."""

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

log = logging.getLogger(__name__)

MEMORY_KB: Final = 8 * 2**20  # of addresses; TensorFlow takes three of the eight for itself
FILE_BLOCKS: Final = 2**18  # of 512 bytes
LOOK_S: Final = 0.1  # between two looks at whether it has ended
TELL_S: Final = 0.5  # between two looks at how far it is, and at whether it is to go on
REFUSED: Final = 3  # the exit status where error.json says why
GoesOn = Callable[[Mapping[str, Any]], bool]  # hears {progress, step}; False kills the child


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended."""

    code: int | None  # None: it was killed
    timed_out: bool
    result: dict[str, Any]
    error: dict[str, Any]


def run_child(
    module: str, folder: Path, asked: Mapping[str, Any], *, seconds: float, goes_on: GoesOn
) -> Ended:
    """Run a module of ours in `folder`, for so long at most; whatever it started ends with it."""
    (folder / "request.json").write_text(json.dumps(dict(asked)))
    for old in ("result.json", "error.json", "progress.json"):
        (folder / old).unlink(missing_ok=True)
    began = time.monotonic()
    with (folder / "log").open("wb") as said:
        child = subprocess.Popen(  # noqa: S603 - our own module
            _limited(module, folder, seconds),
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = _wait(child, folder, began + seconds, goes_on)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if code not in {0, REFUSED, None}:
        tail = (folder / "log").read_text(errors="replace")[-2000:]
        log.warning("a job's child ended with %s: %s", code, tail)
    late = time.monotonic() >= began + seconds or code == -signal.SIGXCPU
    return Ended(code, late, _json(folder / "result.json"), _json(folder / "error.json"))


def _limited(module: str, folder: Path, seconds: float) -> list[str]:
    """The command; a shell sets the limits, for `preexec_fn` is not safe beside threads."""
    limits = f"ulimit -t {int(2 * seconds)} && ulimit -v {MEMORY_KB} && ulimit -f {FILE_BLOCKS}"
    program = [sys.executable, "-m", module, str(folder), str(os.getpid())]
    return ["/bin/sh", "-c", f'{limits} && ulimit -c 0 && exec "$@"', "sh", *program]


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": str(settings.BASE_DIR),
    }


def _wait(
    child: subprocess.Popen[bytes], folder: Path, until: float, goes_on: GoesOn
) -> int | None:
    """The exit status; None where it is to be killed."""
    told_at = 0.0
    while time.monotonic() < until:
        with suppress(subprocess.TimeoutExpired):
            return child.wait(LOOK_S)
        if time.monotonic() - told_at > TELL_S:
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
