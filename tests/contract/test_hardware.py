"""The entrances of the original export system, over a real server with a real worker."""

import base64
import io
import itertools
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.contract.conftest import Account
from tests.services.fixtures import Serve
from tests.services.server import Server
from tests.services.worker import heavy_worker

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[2]
HAND = ROOT / "predictions/tests/media/hand-l.jpg"
SMALL = "letters-small-v1.keras"
numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["uvicorn"])
def product(request: pytest.FixtureRequest, serve_module: Serve) -> Iterator[Server]:
    server = serve_module(program=request.param)
    with heavy_worker(server):
        yield server


@pytest.fixture
def me(account: Callable[[str], Account]) -> Account:
    return account(f"ana{next(numbers)}")


@pytest.fixture
def stranger(account: Callable[[str], Account]) -> Account:
    return account(f"eva{next(numbers)}")


def infer(http: httpx2.Client, who: Account) -> dict[str, Any]:
    files = {"file": ("mano.jpg", HAND.read_bytes(), "image/jpeg")}
    data = {"model_path": SMALL}
    answer = http.post("/manual_inference", files=files, data=data, headers=who.bearer, timeout=90)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_picture_goes_through_every_layer(http: httpx2.Client, me: Account) -> None:
    body = infer(http, me)
    asked = {"success", "session_id", "predicted_class", "confidence", "all_probabilities"}
    asked |= {"layer_outputs", "excel_files", "image_files", "model_used", "message"}
    assert body.keys() >= asked
    assert body["session_id"].startswith(f"user_{me_id(body)}_")
    assert (body["predicted_class"], body["model_used"]) == (11, SMALL)  # L
    assert "conv1_feature_maps.xlsx" in body["excel_files"]
    assert "conv1_channel_0.png" in body["image_files"]
    file = http.get("/download_file/conv1_channel_0.png", headers=me.bearer)
    assert file.content.startswith(b"\x89PNG")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    book = http.get(
        "/download_file/",
        params={"file_path": "conv1_feature_maps.xlsx", "t": body["session_id"]},
        headers=me.bearer,
    )
    assert zipfile.is_zipfile(io.BytesIO(book.content))
    assert book.headers["Content-Disposition"].startswith("attachment")


def me_id(body: dict[str, Any]) -> str:
    return str(body["session_id"]).split("_")[1]


def test_numbers_and_base64_do_as_well(http: httpx2.Client, me: Account) -> None:
    text = "data:image/jpeg;base64," + base64.b64encode(HAND.read_bytes()).decode()
    body = {"model_path": SMALL, "input_data": text}
    first = http.post("/manual_inference", json=body, headers=me.bearer, timeout=90)
    assert first.json()["predicted_class"] == 11
    body["input_data"] = [[[0.5]] * 32] * 32  # type: ignore[assignment]
    assert http.post("/manual_inference", json=body, headers=me.bearer).json()["success"]
    body["input_data"] = [[1, 2], [3]]  # type: ignore[assignment]
    refused = http.post("/manual_inference", json=body, headers=me.bearer)
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_array")


def test_a_picture_becomes_vhdl(http: httpx2.Client, me: Account) -> None:
    files = {"image": ("mano.jpg", HAND.read_bytes(), "image/jpeg")}
    body = http.post("/convert_image_to_vhdl/", files=files, headers=me.bearer).json()
    assert body["file_path"] == f"Memoria_Imagen_{body['session_id']}.vhdl.txt"
    assert "entity Memoria_Imagen is" in body["vhdl_code"]
    assert len(body["decimal_matrix"]) == len(body["hex_matrix"]) == 32


def test_weights_become_vhdl(http: httpx2.Client, me: Account) -> None:
    asked = {"model_path": SMALL, "bits_value": 8}
    body = http.post("/extract_model_weights/", json=asked, headers=me.bearer).json()
    assert body["success"]
    assert {"conv1_weights.txt", "conv1_bias.txt"} <= set(body["files"])


def test_faults_are_configured_and_injected(http: httpx2.Client, me: Account) -> None:
    path = "/fault_injector/inference/"
    files = {"file": ("mano.jpg", HAND.read_bytes(), "image/jpeg")}
    entry = {"fault_type": "stuck_at_0", "fault_rate": 1}
    config = {"enabled": True, "layers": {"logits": entry}}
    kept = http.post("/fault_injector/configure/", json=config, headers=me.bearer)
    assert kept.status_code == 200, kept.text
    assert kept.json()["layers"]["logits"]["fault_rate"] == 1
    sent: dict[str, Any] = {"data": {"model_path": SMALL}, "files": files, "headers": me.bearer}
    body = http.post(path, **sent, timeout=90).json()
    assert body["fault_injection"]["healthy_class"] == 11
    assert body["layer_outputs"]["logits"]["changed"] > 0 or body["predicted_class"] != 11
    assert "conv1_feature_maps.xlsx" in body["excel_files"]
    sent["data"] = {"model_path": SMALL, "fault_config": '{"enabled": false}'}
    healthy = http.post(path, **sent, timeout=90).json()
    assert (healthy["predicted_class"], healthy["success"]) == (11, True)
    wrong = {"enabled": True, "layers": {"conv1": {"fault_type": "x", "fault_rate": 0}}}
    refused = http.post("/fault_injector/configure/", json=wrong, headers=me.bearer)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_fault_config")


def test_networks_are_uploaded_listed_and_deleted(
    http: httpx2.Client, me: Account, stranger: Account
) -> None:
    data = (ROOT / "predictions/ml_models" / SMALL).read_bytes()
    made = http.post("/upload_model/", files={"file": ("mía.keras", data)}, headers=me.bearer)
    info = made.json()["model_info"]
    assert (info["name"], info["layers"], info["parameters"]) == ("mía.keras", 11, 51_338)
    names = [one["filename"] for one in http.get("/models", headers=me.bearer).json()["models"]]
    assert {"mía.keras", SMALL} <= set(names)
    theirs = http.get("/list_models/", headers=stranger.bearer).json()["models"]
    assert "mía.keras" not in [one["filename"] for one in theirs]
    layers = http.get("/models/layers/", params={"model_path": "mía.keras"}, headers=me.bearer)
    assert layers.json()["layers"][1]["name"] == "conv1"
    gone = http.post("/delete_models/", json=["mía.keras"], headers=stranger.bearer).json()
    assert gone["deleted_models"] == []
    gone = http.post("/delete_models/", json=["mía.keras", "no.keras"], headers=me.bearer).json()
    assert (gone["success"], gone["deleted_models"]) == (False, ["mía.keras"])


def test_a_whole_network_comes_as_a_verified_zip(
    http: httpx2.Client, me: Account, stranger: Account
) -> None:
    files = {"file": ("mano.jpg", HAND.read_bytes(), "image/jpeg")}
    asked = {"kind": "design", "network": SMALL, "lanes": "16"}
    begun = http.post("/api/v1/hardware/exports", data=asked, files=files, headers=me.bearer)
    assert begun.status_code == 202
    url = begun.json()["status_url"]
    told = wait(http, url, me)
    assert told["result"]["label"] == "verified"
    whole = http.get(f"{url}/zip", headers=me.bearer)
    names = zipfile.ZipFile(io.BytesIO(whole.content)).namelist()
    assert any(name.endswith("/Makefile") for name in names)
    for path in (url, f"{url}/zip", f"{url}/files/Makefile"):
        assert http.get(path, headers=stranger.bearer).status_code == 404
        assert http.get(path).status_code == 401
    assert http.post(f"{url}/cancel", headers=stranger.bearer).status_code == 404
    assert http.delete(url, headers=stranger.bearer).status_code == 404
    assert http.delete(url, headers=me.bearer).status_code == 204
    assert http.get(url, headers=me.bearer).status_code == 404


def wait(http: httpx2.Client, url: str, who: Account) -> dict[str, Any]:
    for _ in range(600):
        told: dict[str, Any] = http.get(url, headers=who.bearer).json()
        if told["state"] in {"done", "failed", "cancelled"}:
            assert told["state"] == "done", told
            return told
        time.sleep(0.1)
    raise AssertionError("it did not end within a minute")


def test_sessions_are_listed_and_cleaned_up(
    http: httpx2.Client, me: Account, stranger: Account
) -> None:
    infer(http, me)
    listed = http.get("/list_sessions/", headers=me.bearer).json()
    assert listed["total_sessions"] == 1
    line = listed["sessions"][0]
    assert line.keys() >= {"session_id", "session_type", "created_at", "age_hours", "file_count"}
    assert http.get("/list_sessions/", headers=stranger.bearer).json()["total_sessions"] == 0
    url = "/cleanup_sessions/?max_age_hours=0"
    assert http.delete(url, headers=stranger.bearer).json()["cleaned_sessions"] == 0
    assert http.delete("/cleanup_sessions/", headers=me.bearer).json()["cleaned_sessions"] == 0
    assert http.delete(url, headers=me.bearer).json()["cleaned_sessions"] == 1
    missing = http.get("/download_file/conv1_channel_0.png", headers=me.bearer)
    assert missing.status_code == 404


def attempts() -> Iterator[str]:
    """Ways out of a folder: 8 depths, 8 spellings, 6 goals."""
    ups = ["../", "..\\", "%2e%2e/", "..%2f", "%2e%2e%2f", "....//", "..;/", "%252e%252e/"]
    goals = ["etc/passwd", "secret_key", "visionai.sqlite3", "hardware/networks/", ".env", "proc/1"]
    for up, depth, goal in itertools.product(ups, range(1, 9), goals):
        yield up * depth + goal
    for goal in goals:
        yield "/" + goal
        yield "layer_outputs/x/" + "../" * 4 + goal
        yield goal + "\x00.png"


def test_no_way_out_of_the_folder_reads_anything(http: httpx2.Client, me: Account) -> None:
    infer(http, me)
    tried = list(attempts())
    assert len(tried) >= 300
    for path in tried:
        answers = [http.get("/download_file/", params={"file_path": path}, headers=me.bearer)]
        if "\x00" not in path:
            answers.append(http.get(f"/download_file/{path}", headers=me.bearer))
        for answer in answers:
            assert answer.status_code in {400, 404}, (path, answer.status_code)
            assert b"root:" not in answer.content
    for path in tried[::7]:
        asked = {"model_path": path}
        refused = http.get("/models/layers/", params=asked, headers=me.bearer)
        assert refused.status_code in {400, 404}
        refused = http.post("/extract_model_weights/", json=asked, headers=me.bearer)
        assert refused.status_code in {400, 404}, (path, refused.text)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/manual_inference"),
        ("POST", "/convert_image_to_vhdl/"),
        ("POST", "/extract_model_weights/"),
        ("POST", "/fault_injector/inference/"),
        ("POST", "/fault_injector/configure/"),
        ("GET", "/models"),
        ("GET", "/list_models/"),
        ("POST", "/upload_model/"),
        ("POST", "/delete_models/"),
        ("GET", "/models/layers/"),
        ("GET", "/download_file/x"),
        ("GET", "/list_sessions/"),
        ("DELETE", "/cleanup_sessions/"),
        ("GET", "/api/v1/hardware/networks"),
        ("GET", "/api/v1/hardware/exports"),
    ],
)
def test_nobody_gets_in_without_a_login(http: httpx2.Client, method: str, path: str) -> None:
    assert http.request(method, path).status_code == 401
    wrong = {"Authorization": "Bearer x"}
    assert http.request(method, path, headers=wrong).status_code == 401
