"""What was acknowledged is kept, whenever the process is killed."""

import io
import json
import random
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException

import pytest
from PIL import Image

from tests.services.fixtures import Serve
from tests.services.network import wait_until
from tests.services.server import ROOT, Server

ROUNDS, CLIENTS = 20, 4
BOUNDARY = "a-part-ends-here"


def face() -> bytes:
    """A 96x96 crop, which is taken as a face."""
    portrait = Image.open(ROOT / "static" / "samples" / "eileen-collins-nasa.jpg")
    crop = io.BytesIO()
    portrait.convert("RGB").resize((96, 96)).save(crop, "JPEG")
    return crop.getvalue()


def post(url: str, body: bytes, **headers: str) -> dict[str, object]:
    request = urllib.request.Request(url, body, headers, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def signed_in(server: Server) -> dict[str, str]:
    who = json.dumps({"username": "ada", "password": "una-frase-larga-y-rara-42"}).encode()
    as_json = {"Content-Type": "application/json"}
    post(f"{server.url}/api/v1/auth/register", who, **as_json)
    token = post(f"{server.url}/api/v1/auth/login", who, **as_json)["access_token"]
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.server
def test_no_acknowledged_prediction_is_lost_to_a_kill(serve: Serve) -> None:
    chance = random.Random(7)
    server = serve()
    headers = signed_in(server)
    headers["Content-Type"] = f"multipart/form-data; boundary={BOUNDARY}"
    part = 'Content-Disposition: form-data; name="file"; filename="f.jpg"\r\n\r\n'
    body = f"--{BOUNDARY}\r\n{part}".encode() + face() + f"\r\n--{BOUNDARY}--\r\n".encode()
    acknowledged: list[object] = []

    def keep_asking() -> None:
        while True:
            try:
                answer = post(f"{server.url}/api/v1/predict", body, **headers)
            except (OSError, HTTPException, ValueError):
                return  # the server is gone
            acknowledged.append(answer["prediction_id"])

    for number in range(ROUNDS):
        if number:
            server.start()
        before = len(acknowledged)
        clients = [threading.Thread(target=keep_asking) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        wait_until(
            lambda before=before: len(acknowledged) >= before + 5,  # type: ignore[misc]
            seconds=30,
            what="five predictions",
        )
        time.sleep(chance.uniform(0, 0.1))
        server.kill()
        for client in clients:
            client.join()
    kept = {row[0] for row in server.query("SELECT predic_id FROM predictions_log")}
    assert None not in acknowledged
    assert [number for number in acknowledged if number not in kept] == []
    assert len(acknowledged) >= 5 * ROUNDS
    assert server.query("PRAGMA integrity_check") == [("ok",)]
