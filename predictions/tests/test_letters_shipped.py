"""The network for letters as it is shipped, behind its entrances."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rest_framework.test import APIClient

from predictions import letters
from predictions.core.images import decode
from predictions.core.labels import LETTERS
from predictions.tests.pictures import encoded
from predictions.tests.test_letters_api import CANONICAL, CARDS, owner, send, stranger
from tests.services.server import ROOT, environment_for

__all__ = ["owner", "stranger"]  # fixtures
MEDIA = Path(__file__).parent / "media"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    letters.forget_network()


@pytest.mark.parametrize("path", [*CARDS, "/api/v1/letters/model/", "/asl/modelo/info/"])
def test_anyone_may_read_the_card(stranger: APIClient, owner: APIClient, path: str) -> None:
    body = stranger.get(path).json()
    assert body == owner.get(path).json()
    assert (body["status"], body["num_classes"]) == ("loaded", 26)
    assert body["classes"] == list(LETTERS)
    assert body["movement_letters"] == ["J", "Z"]
    assert body["total_params"] <= 2_000_000
    assert {one["name"] for one in body["metrics"]["sets"]} >= {"validation", "unseen"}


@pytest.mark.parametrize("letter", ["B", "J", "L", "V", "W", "Y"])
def test_the_shipped_network_reads_a_hand(stranger: APIClient, letter: str) -> None:
    body = send(stranger, CANONICAL, (MEDIA / f"hand-{letter.lower()}.jpg").read_bytes()).json()
    assert body["letter"] == letter
    assert body["movement"] is (letter == "J")
    assert not body["abstained"]


def test_a_left_hand_is_read_as_a_right_one(stranger: APIClient) -> None:
    pixels = decode((MEDIA / "hand-l.jpg").read_bytes()).pixels
    hands = (pixels, np.ascontiguousarray(pixels[:, ::-1]))
    right, left = (send(stranger, CANONICAL, encoded(hand, "PNG")).json() for hand in hands)
    assert right["letter"] == left["letter"] == "L"
    assert right["confidence"] == pytest.approx(left["confidence"], abs=0.001)


def test_the_shipped_network_reads_a_picture(stranger: APIClient) -> None:
    body = send(stranger, CANONICAL).json()
    assert len(body["alternatives"]) == 3
    assert 0 < body["confidence"] <= 1
    assert body["model_version_tag"] == "letters-v1"


def test_a_damaged_network_is_not_used(
    stranger: APIClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    letters.forget_network()
    shipped = letters.SHIPPED_CARD
    (tmp_path / shipped.name).write_bytes(shipped.read_bytes())
    tflite = shipped.with_suffix(".tflite")
    (tmp_path / tflite.name).write_bytes(tflite.read_bytes()[:-1] + b"\0")
    monkeypatch.setattr(letters, "SHIPPED_CARD", tmp_path / shipped.name)
    assert send(stranger, CANONICAL).status_code == 503


def test_reading_a_letter_imports_no_tensorflow(tmp_path: Path) -> None:
    picture = tmp_path / "hand.jpg"
    picture.write_bytes(encoded(np.full((96, 96, 3), 90, np.uint8)))
    code = (
        "import sys, django; django.setup()\n"
        "from pathlib import Path\n"
        "from predictions.letters import read_letter\n"
        f"read_letter(Path({str(picture)!r}).read_bytes())\n"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment_for(tmp_path) | {"DJANGO_SETTINGS_MODULE": "visionai.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
