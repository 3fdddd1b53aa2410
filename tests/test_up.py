"""`manage.py up`, as `make run` starts it: one command, and Ctrl-C ends all of it."""

import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services.network import accepts, free_port, wait_until
from tests.services.server import ROOT, environment_for
from visionai.lib.addresses import network_addresses

pytestmark = pytest.mark.server


class Up:
    """One `manage.py up` and what it prints."""

    def __init__(self, data_dir: Path, *, workers: bool, **settings: str) -> None:
        self.port = int(settings.setdefault("PORT", str(free_port())))
        data_dir.mkdir(exist_ok=True)
        self.file = data_dir / "output.txt"
        self.file.write_bytes(b"")
        command = [sys.executable, "manage.py", "up", *([] if workers else ["--no-workers"])]
        with self.file.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment_for(data_dir, **{"LC_ALL": "en_US.UTF-8"} | settings),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        return self.file.read_text(encoding="utf-8")

    def ready(self) -> "Up":
        wait_until(self._is_ready, seconds=60, what="up is ready")
        return self

    def children(self) -> list[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.output()
        return "Ctrl-C" in self.output()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    started: list[Up] = []

    def start(*, workers: bool = False, **settings: str) -> Up:
        started.append(Up(tmp_path / "data", workers=workers, **settings))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGTERM)


def test_one_command_serves_and_a_second_start_is_quick(up: Callable[..., Up]) -> None:
    first = up(workers=True).ready()
    assert f"http://127.0.0.1:{first.port}" in first.output()
    wait_until(lambda: len(first.children()) == 4, seconds=10, what="web and three workers")
    wait_until(lambda: _all_well(first), seconds=90, what="signs of life of workers and clock")
    family = [*first.children(), *_grandchildren(first)]
    assert first.end(signal.SIGINT) == 0
    assert "Traceback" not in first.output()
    # What was killed with its group may take a moment to be gone.
    wait_until(lambda: not any(map(_lives, family)), seconds=10, what="the whole family's end")
    begin = time.monotonic()
    second = up(workers=True, PORT=str(first.port)).ready()
    assert time.monotonic() - begin <= 60  # nothing is migrated or made again
    assert second.end(signal.SIGTERM) == 0
    assert "Traceback" not in second.output()


def test_a_web_process_that_dies_is_started_again(up: Callable[..., Up]) -> None:
    running = up().ready()
    (web,) = running.children()
    os.kill(web, signal.SIGKILL)
    wait_until(lambda: running.children() not in ([], [web]), seconds=10, what="a new child")
    assert _get(f"http://127.0.0.1:{running.port}/admin/login/") == 200
    assert "web-1 ended (-9) and is started again" in running.output()


def test_a_supervisor_that_is_killed_frees_its_port(up: Callable[..., Up]) -> None:
    running = up().ready()
    assert running.end(signal.SIGKILL) == -9
    wait_until(lambda: not accepts(running.port), seconds=10, what="the port is free")


def test_a_taken_port_is_one_sentence(up: Callable[..., Up]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = up(PORT=str(port))
        assert refused.process.wait(30) == 1
    assert refused.output() == (
        f"PORT: port {port} of 127.0.0.1 is taken; choose another: make run PORT={port + 1}\n"
    )


def test_the_console_speaks_spanish_unless_the_terminal_says_english(
    up: Callable[..., Up],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = up(PORT=str(port), LC_ALL="C.UTF-8")
        assert refused.process.wait(30) == 1
    assert refused.output() == (
        f"PORT: el puerto {port} de 127.0.0.1 está ocupado; elige otro: make run PORT={port + 1}\n"
    )


def test_a_second_one_on_the_same_folder_is_refused(up: Callable[..., Up]) -> None:
    up().ready()
    refused = up()
    assert refused.process.wait(30) == 1
    assert re.fullmatch(r"DATA_DIR: another VisionAI runs on .*DATA_DIR=other\n", refused.output())


def test_bad_settings_are_named_all_at_once(up: Callable[..., Up]) -> None:
    refused = up(PORT="99999", LOG_LEVEL="LOUD", WEB_PROCESSES="2")
    assert refused.process.wait(30) == 1
    lines = refused.output().splitlines()
    names = sorted({line.split(":")[0] for line in lines})
    assert names == ["LOG_LEVEL", "PORT", "WEB_PROCESSES"]
    assert "Traceback" not in refused.output()


def test_a_database_that_is_down_is_one_sentence(up: Callable[..., Up]) -> None:
    url = f"mysql://canary:sesame@127.0.0.1:{free_port()}/none"
    refused = up(DATABASE_URL=url)
    assert refused.process.wait(30) == 1
    assert refused.output().startswith("DATABASE_URL: the database cannot be used")
    assert "Traceback" not in refused.output()
    assert "sesame" not in refused.output()


def test_https_serves_other_machines_with_a_certificate_made_once(up: Callable[..., Up]) -> None:
    addresses = [name for name in network_addresses() if ":" not in name] or ["127.0.0.1"]
    settings = {"HOST": "0.0.0.0", "HTTPS": "1", "ALLOWED_HOSTS": ",".join(addresses)}
    running = up(**settings).ready()
    folder = running.file.parent / "tls"
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    trust = ssl.create_default_context(cafile=folder / "certificate.pem")
    for host in {*addresses, "127.0.0.1", "localhost"}:
        assert _get(f"https://{host}:{running.port}/admin/login/", trust) == 200
    made = (folder / "certificate.pem").read_bytes()
    assert running.end(signal.SIGINT) == 0
    up(**settings).ready()
    assert (folder / "certificate.pem").read_bytes() == made


def _all_well(running: Up) -> bool:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/status", timeout=10) as answer:
        return bool(json.loads(answer.read())["status"] == "ok")


def _get(url: str, context: ssl.SSLContext | None = None) -> int:
    with urllib.request.urlopen(url, context=context, timeout=30) as answer:
        return int(answer.status)


def _grandchildren(running: Up) -> list[int]:
    found: list[int] = []
    for pid in running.children():
        found += [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
