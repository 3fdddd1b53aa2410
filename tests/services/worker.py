"""The worker that does heavy jobs, as a real process beside a server."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.services.server import ROOT, Server


@contextmanager
def heavy_worker(server: Server, node: str = "heavy") -> Iterator[subprocess.Popen[bytes]]:
    """Takes jobs of that server's database and queue until the end of the block."""
    command = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "visionai.celery", "--quiet"]
    command += ["worker", "-Q", "heavy", "-n", f"{node}@test", "-P", "solo", "-l", "WARNING"]
    command += [
        "--prefetch-multiplier",
        "1",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
    with (server.data_dir / "worker-output.txt").open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=server.environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
