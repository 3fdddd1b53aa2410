"""Runs a program of somebody else's with limits on processor time, memory, file size and time."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LONGEST_LOG: Final = 200_000  # bytes that are read of what a program says, from the end


class ProgramMissing(Exception):
    """The program is not on this machine; the argument is its name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one program. Beyond them it is killed, and `Ran.stopped` says so."""

    cpu_seconds: int = 60
    memory: int = 1 << 30  # bytes of address space
    file: int = 256 << 20  # bytes of the largest file that it writes
    wall_seconds: float = 120.0
    processes: int = 256  # beside those that this user runs already; the system counts per user
    own_group: bool = True  # False in a child that is ended with all that it started


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended."""

    command: str
    code: int
    said: str  # its output and errors together, the end of it
    seconds: float
    stopped: bool  # by a limit


def run_confined(command: Sequence[str], folder: Path, limits: Limits) -> Ran:
    """Run `command` in `folder`, with an environment of nothing but a path.

    Raises `ProgramMissing`. Whatever it started is killed with it, if it has its own group.
    """
    path = os.environ.get("PATH", os.defpath)
    if not any(os.access(Path(one, command[0]), os.X_OK) for one in path.split(os.pathsep) if one):
        raise ProgramMissing(command[0])
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(  # noqa: S603
            limited(command, limits),
            cwd=folder,
            env={"PATH": path, "LC_ALL": "C", "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=limits.own_group,
        )
        timed_out = False
        try:
            code = child.wait(timeout=limits.wall_seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            _kill(child, limits)
            code = child.wait()
        size = log.seek(0, os.SEEK_END)
        log.seek(max(0, size - LONGEST_LOG))
        said = log.read().decode("utf-8", "replace")
    seconds = time.monotonic() - began
    ended_by = -code if code < 0 else code - 128  # as a shell tells of its own child
    stopped = timed_out or ended_by in {signal.SIGXCPU, signal.SIGKILL, signal.SIGXFSZ}
    return Ran(" ".join(command), code, said, seconds, stopped or _out_of_memory(code, said))


def limited(command: Sequence[str], limits: Limits) -> list[str]:
    """The command under its limits; a shell sets them, as `preexec_fn` is unsafe beside threads."""
    most = _running() + limits.processes
    script = (
        f"ulimit -t {limits.cpu_seconds} && ulimit -v {limits.memory >> 10} && "
        f"ulimit -f {limits.file >> 9} && ulimit -c 0 && "
        # dash says -p and bash -u. A limit from outside that is lower stays.
        f'{{ ulimit -p {most} || ulimit -u {most} || true; }} 2>/dev/null && exec "$@"'
    )
    return ["/bin/sh", "-c", script, "sh", *command]


def _running() -> int:
    """Processes and threads of this user, as its limit counts them; root has none that holds."""
    count, us = 0, os.getuid()
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if path.stat().st_uid == us:
                count += sum(1 for _ in (path / "task").iterdir())
    return count


def _kill(child: subprocess.Popen[bytes], limits: Limits) -> None:
    if not limits.own_group:
        child.kill()
        return
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _out_of_memory(code: int, said: str) -> bool:
    signs = ("STORAGE_ERROR", "Storage_Error", "bad_alloc", "out of memory", "Cannot allocate")
    return code != 0 and any(sign in said for sign in signs)
