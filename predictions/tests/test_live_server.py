"""The originals' clients against a real server process."""

import asyncio
import base64
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image
from websockets.asyncio.client import connect

from predictions.tests.pictures import COLLINS, HOPPER, encoded
from tests.services.server import Server

pytestmark = pytest.mark.server
BRIGHT = encoded(np.full((96, 96, 3), 200, np.uint8), "PNG")


def predict(server: Server, data: bytes) -> httpx2.Response:
    return httpx2.post(f"{server.url}/api/v1/predict", files={"file": ("imagen.jpg", data)})


def test_the_curl_line_of_the_original_reads_a_portrait(shared_server: Server) -> None:
    answer = predict(shared_server, COLLINS.read_bytes())
    assert answer.status_code == 200
    body = answer.json()
    assert body["emotion_name"] == "happy"
    assert len(body["faces"]) == 1
    sql = f"SELECT emotion_id FROM predictions_log WHERE predic_id = {int(body['prediction_id'])}"
    assert shared_server.query(sql) == [(4,)]


@pytest.mark.parametrize("path", ["", "/", "/ws", "/ws/"])
async def test_the_example_client_of_the_original_is_served(
    shared_server: Server, path: str
) -> None:
    async with connect(shared_server.ws_url + path) as websocket:
        welcome = json.loads(await websocket.recv())
        assert welcome["type"] == "connection"
        await websocket.send(json.dumps({"command": "health"}))
        health = json.loads(await websocket.recv())
        assert (health["type"], health["status"]) == ("health", "healthy")
        assert health["clients_connected"] >= 1
        image = base64.b64encode(HOPPER.read_bytes()).decode()
        await websocket.send(json.dumps({"command": "predict", "image": image}))
        answer = json.loads(await websocket.recv())
        assert (answer["type"], answer["status"]) == ("prediction", "success")
        assert isinstance(answer["confidence"], float)


async def test_a_flood_of_frames_is_answered_once_each(shared_server: Server) -> None:
    async with connect(f"{shared_server.ws_url}/ws/camera") as websocket:
        await websocket.recv()
        for _ in range(200):
            await websocket.send(BRIGHT)
        answers = [json.loads(await asyncio.wait_for(websocket.recv(), 10)) for _ in range(200)]
        assert sorted(answer["frame"] for answer in answers) == list(range(1, 201))
        kinds = {answer["type"] for answer in answers}
        assert "prediction" in kinds
        assert kinds <= {"prediction", "dropped"}
        last = max(one["frame"] for one in answers if one["type"] == "prediction")
        await asyncio.sleep(1)
        await websocket.send(BRIGHT)
        answer = json.loads(await websocket.recv())
        assert answer["logged_through"] == last


def face_of(server: Server, path: Path) -> bytes:
    """The first face of a picture as a crop of 96x96."""
    data = path.read_bytes()
    box = predict(server, data).json()["faces"][0]["box"]
    x, y, side = box["x"], box["y"], box["width"]
    picture = Image.open(io.BytesIO(data)).convert("RGB").crop((x, y, x + side, y + side))
    return encoded(np.asarray(picture.resize((96, 96))), "PNG")


async def test_a_live_reading_is_calm_and_what_each_picture_says_stands_beside_it(
    shared_server: Server,
) -> None:
    happy, other = face_of(shared_server, COLLINS), face_of(shared_server, HOPPER)
    async with connect(f"{shared_server.ws_url}/ws/camera") as websocket:
        await websocket.recv()

        async def read(frame: bytes) -> dict[str, Any]:
            answer: dict[str, Any] = {"type": "dropped"}
            while answer["type"] == "dropped":  # on a busy machine it waited too long
                await websocket.send(frame)
                answer = json.loads(await websocket.recv())
            assert answer["type"] == "prediction"
            return answer

        first = await read(happy)
        assert first["smoothed"]["probabilities"] == first["probabilities"]
        assert first["smoothed"]["lag_ms"] == 250
        change = await read(other)
        raw, calm = change["probabilities"], change["smoothed"]["probabilities"]
        assert raw["happy"] < calm["happy"] < first["probabilities"]["happy"]
        await asyncio.sleep(1.2)  # nearly five half-lives
        later = await read(other)
        assert later["probabilities"] == raw
        assert later["smoothed"]["emotion_name"] == later["emotion_name"]
        assert later["smoothed"]["probabilities"]["happy"] < raw["happy"] + 0.05


def within(seconds: float, true: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.05)
    return False


def test_an_activation_reaches_the_running_process_within_a_second(
    serve: Callable[..., Server],
) -> None:
    server = serve()
    first = predict(server, BRIGHT).json()["model_version_tag"]
    server.query(
        "INSERT INTO model_versions (version_tag, folder, tflite_file, keras_file, sha256,"
        " precision, temperature, crop_margin, input_shape, total_params, metrics, created_at)"
        " SELECT 'second', folder, tflite_file, keras_file, sha256, precision, temperature,"
        " crop_margin, input_shape, total_params, metrics, created_at FROM model_versions"
        " WHERE version_tag = ?",
        first,
    )
    server.manage("activate_model", "second")

    def answers_with(tag: str) -> bool:
        return bool(predict(server, BRIGHT).json()["model_version_tag"] == tag)

    assert within(1.5, lambda: answers_with("second"))
    server.manage("roll_back_model")
    assert within(1.5, lambda: answers_with(first))
