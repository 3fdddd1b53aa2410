"""Two web processes on PostgreSQL and Redis, as one product."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.services.databases import DatabaseServer
from tests.services.network import free_port, wait_until
from tests.services.server import ROOT, environment_for

WHO = json.dumps({"username": "ada", "password": "una-frase-larga-y-rara-42"}).encode()


def call(url: str, body: bytes | None = None, token: str = "", method: str | None = None) -> bytes:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())


@pytest.mark.server
@pytest.mark.database
def test_two_processes_on_servers_are_one_product(
    postgresql: DatabaseServer, redis_url: str, tmp_path: Path
) -> None:
    port = free_port()
    output = tmp_path / "output.txt"
    settings = {"WEB_PROCESSES": "2", "REDIS_URL": redis_url, "PORT": str(port)}
    environment = environment_for(
        tmp_path, DATABASE_URL=postgresql.create("grown"), LANG="en", **settings
    )
    with output.open("wb") as file:
        running = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--no-workers"],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: "Ctrl-C" in output.read_text(), seconds=90, what="up is ready")
        url = f"http://127.0.0.1:{port}"
        call(f"{url}/api/v1/auth/register", WHO)
        first, second = (json.loads(call(f"{url}/api/v1/auth/login", WHO)) for _ in range(2))
        # More requests than the pool has connections: each gives its own back.
        with ThreadPoolExecutor(12) as clients:
            asked = [f"{url}/api/v1/sessions"] * 100
            found = list(clients.map(lambda path: call(path, token=first["access_token"]), asked))
        assert all(len(json.loads(one)["sessions"]) == 2 for one in found)
        for _ in range(20):  # through Redis, from whichever process answers
            assert json.loads(call(f"{url}/status"))["checks"]["channels"] == {"status": "ok"}
        # Trading runs in a process of its own, whichever of the two takes the call.
        asked_for = {"broker": "paper", "account_type": "PRACTICE", "session_id": None}
        body = json.dumps(asked_for | {"email": "", "password": ""}).encode()
        opened = json.loads(call(f"{url}/api/connect", body, token=first["access_token"]))
        assert (opened["success"], opened["balance"]) == (True, 10000.0)
        with ExitStack() as stack:
            offered: Any = ["bearer", second["access_token"]]
            address = f"ws://127.0.0.1:{port}/ws"
            sockets = [
                stack.enter_context(connect(address, subprotocols=offered)) for _ in range(12)
            ]
            for socket in sockets:
                socket.recv(timeout=10)
            mine = f"{url}/api/v1/sessions/{second['session_id']}"
            call(mine, token=first["access_token"], method="DELETE")
            for socket in sockets:
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(timeout=2)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 4401
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0
        assert "Traceback" not in output.read_text()
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(30)
