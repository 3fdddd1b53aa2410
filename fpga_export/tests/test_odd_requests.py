"""Values of every wrong kind, in every field of every entrance: refused, and never a fault."""

import itertools
import json
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from fpga_export.edges import Makes, Reads
from fpga_export.models import ExportSession
from fpga_export.refusals import NoNetwork
from fpga_export.selectors import find_file, network_of
from fpga_export.services import delete_network, network_path
from fpga_export.tests.test_services import SMALL
from visionai.lib.jobs import JobState

EXPORTS = "/api/v1/hardware/exports"
# Two texts that no database keeps: a zero, and half of a pair.
UNSOUND = ("a\x00b", "\ud83d")
ODD: tuple[Any, ...] = (
    *(None, True, -1, 1.5, 1e308, 10**30, "", "x", "NaN", "1e999", "../x", "é" * 200),
    *([], [1], {}, {"a": 1}, [[[]]], *UNSOUND, ["a\x00b"], {"\x00": 1}),
)
PICTURE = [[[0.5]] * 32] * 32
NAMES: dict[str, tuple[str, ...]] = {"/manual_inference": ("model_path", "input_data")}
NAMES |= {"/extract_model_weights/": ("model_path", "bits_value")}
NAMES |= {"/convert_image_to_vhdl/": ("image_data", "width", "height", "output_format", "way")}
NAMES |= {"/fault_injector/configure/": ("enabled", "layers", "seed")}
SETTINGS = (
    *("network", "lanes", "bits", "input_data", "fault_config", "kinds", "target", "layers"),
    *("rates", "hits", "runs", "seed", "confirm", "preset", "width", "color"),
)
KINDS = ("inference", "image", "weights", "design", "faults", "campaign", "netlist")


@pytest.fixture
def client(ada: User, monkeypatch: pytest.MonkeyPatch) -> APIClient:
    monkeypatch.setattr(Makes, "get_cache_key", lambda *_: None)
    monkeypatch.setattr(Reads, "get_cache_key", lambda *_: None)
    made = APIClient()
    made.force_authenticate(ada)
    return made


def sent(client: APIClient, path: str, body: object) -> int:
    """The status; what was begun is ended, so that the next is no second run."""
    text = json.dumps(body)
    status: int = client.generic("POST", path, text, content_type="application/json").status_code
    ended = {"state": JobState.CANCELLED, "ended_at": timezone.now()}
    ExportSession.objects.exclude(state=JobState.CANCELLED).update(**ended)
    return status


def test_no_odd_setting_of_an_export_is_a_fault(client: APIClient) -> None:
    pairs = itertools.product(SETTINGS, ODD)
    for kind, (name, value) in zip(itertools.cycle(KINDS), pairs, strict=False):
        body = {"kind": kind, "network": SMALL, "input_data": PICTURE, name: value}
        assert sent(client, EXPORTS, body) in {202, 400, 404, 409}, (kind, name, value)


def test_no_odd_value_at_an_original_entrance_is_a_fault(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fpga_export.compat_api.LONGEST_WAIT_S", 0)
    for path, names in NAMES.items():
        for name, value in itertools.product(names, ODD):
            body = {"model_path": SMALL, "input_data": PICTURE, "image_data": [[1, 2]]}
            assert sent(client, path, body | {name: value}) in {200, 202, 400, 404, 422}, (
                path,
                name,
                value,
            )


@pytest.mark.parametrize("body", ["[" * 100_000, '"\\ud83d"', '{"a": "\\u0000"}', "{", "\xff", "1"])
@pytest.mark.parametrize("path", [*NAMES, EXPORTS, "/fault_injector/inference/", "/delete_models/"])
def test_what_is_no_json_of_ours_is_refused(client: APIClient, path: str, body: str) -> None:
    answer = client.generic("POST", path, body, content_type="application/json")
    assert answer.status_code == 400


@pytest.mark.parametrize("name", UNSOUND)
def test_a_form_s_text_with_a_sign_that_is_none_is_refused(client: APIClient, name: str) -> None:
    form = {"model_path": name.encode("utf-8", "surrogatepass"), "bits_value": "8"}
    answer = client.post("/extract_model_weights/", form, format="multipart")
    assert answer.status_code in {400, 404}
    config = json.dumps({"enabled": True, "layers": {name: {}}})
    fields = {"kind": "faults", "network": SMALL, "input_data": "AAAA", "fault_config": config}
    answer = client.post(EXPORTS, fields, format="multipart")
    assert answer.status_code == 400


@pytest.mark.parametrize("name", UNSOUND)
def test_no_network_and_no_file_has_a_name_that_no_database_keeps(ada: User, name: str) -> None:
    for ask in (network_of, network_path, delete_network):
        with pytest.raises(NoNetwork):
            ask(ada, name)
    assert find_file(ada, name) is None
    assert find_file(ada, "x", session_id=name) is None


def test_an_address_with_a_zero_is_not_found(client: APIClient) -> None:
    for url in (
        "/models/layers/?model_path=%00",
        "/download_file/a%00.png",
        "/download_file/x?t=%00",
    ):
        assert client.get(url).status_code == 404
    assert client.get("/api/v1/hardware/networks/%00").status_code == 404
