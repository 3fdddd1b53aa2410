"""A child outlives no worker."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

# A worker that starts a child in a group of its own; the child starts a program, and both wait.
CHILD = """
import os, subprocess, sys, time
from fpga_export.orphan import end_with
program = subprocess.Popen(["sleep", "60"])
end_with(int(sys.argv[1]))
print(os.getpid(), program.pid, flush=True)
time.sleep(60)
"""
WORKER = """
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], start_new_session=True)
time.sleep(60)
"""


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def test_a_killed_workers_child_ends_within_two_seconds_with_its_programs() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, CHILD], stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        pids = [int(one) for one in worker.stdout.readline().split()]
        try:
            time.sleep(0.7)
            assert all(map(lives, pids))
            worker.kill()
            until = time.monotonic() + 2
            while any(map(lives, pids)) and time.monotonic() < until:
                time.sleep(0.05)
            assert not any(map(lives, pids))
        finally:
            worker.kill()
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
