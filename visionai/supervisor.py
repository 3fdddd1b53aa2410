"""Child processes under one parent: started, started again when they die, and ended together."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

LONGEST_WAIT = 30.0  # seconds before a child that keeps dying is started again
HEALTHY_AFTER = 60.0  # seconds of life after which its deaths are forgotten
STOP_WITHIN = 10.0  # seconds to end by itself; then it is killed
PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One process that should always run."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    pass_fds: Sequence[int] = ()
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    deaths: int = field(default=0, init=False)
    started_at: float = field(default=0.0, init=False)
    start_at: float = field(default=0.0, init=False)

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 (our own commands)
            self.command,
            env=dict(self.environment),
            pass_fds=self.pass_fds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which ends all in order
            preexec_fn=_end_with_the_parent if sys.platform == "linux" else None,
        )

    def died(self) -> int | None:
        """The exit status, once for each death."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        lived = time.monotonic() - self.started_at
        self._end_group()
        self.deaths = 1 if lived > HEALTHY_AFTER else self.deaths + 1
        self.start_at = time.monotonic() + min(LONGEST_WAIT, 0.25 * 2**self.deaths)
        self.process = None
        return status

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def stop_by(self, limit: float) -> None:
        if self.process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, limit - time.monotonic()))
        self._end_group()
        self.process.wait()

    def _end_group(self) -> None:
        """The child's own children too."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """`run` returns after SIGINT or SIGTERM, when every child has ended."""

    def __init__(self, *, report: Callable[[str, int], None]) -> None:
        self.children: list[Child] = []
        self.stopping = False
        self._report = report

    def take_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def add(self, child: Child) -> None:
        self.children.append(child)
        if not self.stopping:
            child.start()

    def watch(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Restart what dies, until told to stop or `until` comes true."""
        while not self.stopping and not until():
            for child in self.children:
                status = child.died()
                if status is not None:
                    self._report(child.name, status)
                if child.process is None and time.monotonic() >= child.start_at:
                    child.start()
            time.sleep(0.1)

    def stop(self) -> None:
        self.stopping = True
        for child in reversed(self.children):
            child.ask_to_stop()
        limit = time.monotonic() + STOP_WITHIN
        for child in self.children:
            child.stop_by(limit)

    def _stop(self, *_: object) -> None:
        self.stopping = True


def _end_with_the_parent() -> None:
    """Linux: a supervisor that is killed takes its children along, so that no port stays taken."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
