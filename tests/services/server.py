"""The product as a real server process, with its own folder, database and settings."""

import os
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.network import free_port, wait_until
from visionai.lib.env import Environment

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "uvicorn": ["-m", "visionai.web"],
    "daphne": ["manage.py", "runserver", "--noreload", "127.0.0.1:{port}"],
}


def _heed_interrupts() -> None:
    """Undo what a shell does to the children it starts in the background: ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def environment_for(data_dir: Path, **settings: str) -> dict[str, str]:
    """What a fresh machine would have: none of this one's settings, and a folder of its own."""
    ours = {name.upper() for name in Environment.model_fields} | {"MODEL", "CI"}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in ours}
    kept |= {"ENV_FILE": os.devnull, "DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"}
    kept |= {"DJANGO_SETTINGS_MODULE": "visionai.settings"}
    return kept | settings


def manage(*arguments: str, environment: dict[str, str]) -> str:
    """Run `manage.py` to its end and return what it printed. Raises `CalledProcessError`."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {arguments}: {done.stdout}{done.stderr}")
    return done.stdout


@dataclass
class Server:
    """`start` before use; `stop` ends it as Ctrl-C would, `kill` as a power cut would."""

    data_dir: Path
    environment: dict[str, str]
    program: str = "uvicorn"
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def output_file(self) -> Path:
        return self.data_dir / "server-output.txt"

    def output(self) -> str:
        """All that the process printed so far."""
        return self.output_file.read_text(encoding="utf-8", errors="replace")

    def start(self) -> "Server":
        command = [part.format(port=self.port) for part in COMMANDS[self.program]]
        with self.output_file.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment | {"PORT": str(self.port), "PYTHONFAULTHANDLER": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_heed_interrupts,
            )
        wait_until(self._answers, seconds=60, what="the server answers")
        return self

    def stop(self) -> int:
        """The exit status after SIGINT; it must end within 15 s."""
        return self._end(signal.SIGINT)

    def kill(self) -> int:
        return self._end(signal.SIGKILL)

    def manage(self, *arguments: str) -> str:
        return manage(*arguments, environment=self.environment)

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Rows of the server's own SQLite database."""
        with closing(sqlite3.connect(self.data_dir / "visionai.sqlite3")) as database, database:
            return database.execute(sql, values).fetchall()

    def _answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError(f"the server ended at start: {self.output()[-3000:]}")
        try:
            urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=10).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def _end(self, how: signal.Signals) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(15)
        except subprocess.TimeoutExpired:
            stacks = self._stacks()
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            raise RuntimeError(
                f"the server did not end within 15 s; it was in:\n{stacks}"
            ) from None

    def _stacks(self) -> str:
        """Where each thread is: faulthandler prints it on SIGABRT."""
        assert self.process is not None
        before = len(self.output())
        self.process.send_signal(signal.SIGABRT)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        return self.output()[before:][:8000]
