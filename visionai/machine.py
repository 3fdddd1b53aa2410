"""How full the machine is, as far as its system tells (`/proc` on Linux)."""

import os
from pathlib import Path

LEAST_MEMORY = 200 * 2**20  # bytes that should be free
MOST_LOAD = 8.0  # a processor


def memory() -> tuple[int | None, int | None]:
    """Bytes that are free, and those of this process; None where the system does not say."""
    return _free(), _own()


def load() -> float | None:
    """Processes that wait or run, a processor, in the last minute."""
    try:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    except (AttributeError, OSError):
        return None


def _free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        facts = dict(line.split(":", 1) for line in lines)
        return int(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None


def _own() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
