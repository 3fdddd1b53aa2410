"""The entrance for sign-language letters of the assistant's back end."""

import base64
from pathlib import Path

import httpx2
import pytest

pytestmark = pytest.mark.server
HAND = Path(__file__).resolve().parents[2] / "predictions/tests/media/hand-l.jpg"


@pytest.mark.parametrize("path", ["/asl/analizar", "/api/image/asl/predict", "/asl/analizar/"])
def test_a_hand_is_read_without_a_login(http: httpx2.Client, path: str) -> None:
    files = {"file": ("mano.jpg", HAND.read_bytes(), "image/jpeg")}
    answer = http.post(path, files=files)
    assert answer.status_code == 200
    body = answer.json()
    asked = {"success", "prediction", "confidence", "alternatives", "message", "source"}
    assert body.keys() >= asked
    assert (body["success"], body["prediction"]) == (True, "L")
    assert 0 <= body["confidence"] <= 100


def test_a_hand_may_come_as_base64(http: httpx2.Client) -> None:
    image = base64.b64encode(HAND.read_bytes()).decode()
    answer = http.post("/asl/analizar", json={"image": f"data:image/jpeg;base64,{image}"})
    assert answer.json()["prediction"] == "L"


def test_the_card_of_the_network_can_be_read(http: httpx2.Client) -> None:
    card = http.get("/asl/modelo/info").json()
    assert (card["status"], card["num_classes"]) == ("loaded", 26)
    assert card["movement_letters"] == ["J", "Z"]
