"""The entrances for faults: as owner, as a stranger and without a login."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from fpga_export import compat_api
from fpga_export.models import ExportSession, FaultDefault
from fpga_export.selectors import original_body
from fpga_export.services import erase_of
from fpga_export.tests.test_services import SMALL, a_picture, finished
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session
from sessions_app.tests.sockets import a_token

pytestmark = pytest.mark.django_db
AtOnce = Callable[[Callable[[], Any]], Any]
CONFIG = {
    "enabled": True,
    "seed": 3,
    "layers": {"conv1": {"fault_type": "bit_flip", "fault_rate": 0.05}},
}
DEFAULTS, EXPORTS = "/api/v1/hardware/faults", "/api/v1/hardware/exports"


def client_of(user: User) -> APIClient:
    sesion = a_session(user, kind=Sesion.Kind.API, at=timezone.now())
    headers = {"Accept-Language": "en", "Authorization": f"Bearer {a_token(sesion)}"}
    return APIClient(headers=headers)


def posted(client: APIClient, path: str, **fields: Any) -> Any:
    form = {"file": SimpleUploadedFile("hand.png", a_picture()), "model_path": SMALL, **fields}
    return client.post(path, form, format="multipart")


def latest(user: User) -> ExportSession:
    return finished(ExportSession.objects.owned_by(user).latest("pk"))


@pytest.mark.parametrize("path", ["/fault_injector/configure/", "/fault_injector/configure"])
def test_a_configuration_is_kept_as_the_callers_own(ada: User, eve: User, path: str) -> None:
    answer = client_of(ada).post(path, CONFIG, format="json")
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert answer.json()["layers"]["conv1"]["target"] == "weights"
    assert client_of(ada).get(DEFAULTS).json()["seed"] == 3
    assert client_of(eve).get(DEFAULTS).json() == {"enabled": False, "layers": {}}
    assert APIClient().post(path, CONFIG, format="json").status_code == 401
    assert APIClient().get(DEFAULTS).status_code == 401


def test_a_configuration_is_replaced_and_goes_with_its_owner(ada: User) -> None:
    client = client_of(ada)
    for seed in (1, 2):
        assert client.put(DEFAULTS, CONFIG | {"seed": seed}, format="json").status_code == 200
    assert FaultDefault.objects.get().config["seed"] == 2
    erase_of(ada)
    assert not FaultDefault.objects.exists()


def test_every_mistake_of_a_configuration_is_named(ada: User) -> None:
    wrong = {"enabled": "yes", "layers": {"conv1": {"fault_type": "x", "fault_rate": 2}}}
    answer = client_of(ada).post("/fault_injector/configure/", wrong, format="json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_fault_config"
    codes = [one["code"] for one in answer.json()["mistakes"]]
    assert codes == ["not_a_boolean", "unknown_kind", "not_a_rate"]
    assert "layers.conv1.fault_rate: must be a number from 0 to 1" in answer.json()["detail"]
    assert not FaultDefault.objects.exists()


def test_an_inference_with_faults_answers_as_the_original(ada: User, at_once: AtOnce) -> None:
    fields = {"kind": "faults", "fault_config": json.dumps(CONFIG)}
    answer = at_once(lambda: posted(client_of(ada), EXPORTS, **fields))
    assert answer.status_code == 202
    body = original_body(latest(ada))
    assert body["fault_injection"]["layers"]["conv1"]["fault_rate"] == 0.05
    assert {"predicted_class", "confidence", "all_probabilities", "model_used"} <= set(body)
    assert body["layer_outputs"]["conv1"]["changed"] > 0
    assert "conv1_feature_maps.xlsx" in body["excel_files"]
    assert "conv1_channel_0.png" in body["image_files"]


def test_the_saved_configuration_holds_where_a_request_names_none(
    ada: User, at_once: AtOnce
) -> None:
    client = client_of(ada)
    client.put(DEFAULTS, CONFIG, format="json")
    at_once(lambda: posted(client, EXPORTS, kind="faults"))
    assert latest(ada).result["fault_injection"]["seed"] == 3
    at_once(lambda: posted(client, EXPORTS, kind="faults", fault_config='{"enabled": false}'))
    found = latest(ada).result["fault_injection"]
    assert (found["enabled"], found["changed_class"]) == (False, False)


def test_the_originals_entrance_starts_the_run(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compat_api, "LONGEST_WAIT_S", 0.0)
    path = "/fault_injector/inference/"
    answer = posted(client_of(ada), path, fault_config=json.dumps(CONFIG))
    assert answer.status_code == 202
    export = ExportSession.objects.get()
    assert (export.kind, export.owner) == ("faults", ada)
    assert posted(APIClient(), path).status_code == 401
    assert client_of(ada).post(path, {"fault_config": "{"}).status_code == 400


def test_a_layer_that_the_network_does_not_have_fails_the_run(ada: User, at_once: AtOnce) -> None:
    config = {"enabled": True, "layers": {"x": {"fault_type": "bit_flip", "fault_rate": 1}}}
    client = client_of(ada)
    fields = {"kind": "faults", "fault_config": json.dumps(config)}
    begun = at_once(lambda: posted(client, EXPORTS, **fields))
    told = client.get(begun.json()["status_url"]).json()
    assert told["error"]["code"] == "bad_fault_config"
    assert "layers.x" in told["error"]["detail"]


def test_a_campaign_runs_and_leaves_its_table(ada: User, eve: User, at_once: AtOnce) -> None:
    client = client_of(ada)
    fields = {"kind": "campaign", "layers": "logits,dense", "runs": 1, "hits": 5}
    begun = at_once(lambda: posted(client, EXPORTS, **fields))
    export = latest(ada)
    assert export.result["campaign"]["trials"] == 16
    names = set(export.artifacts.values_list("name", flat=True))
    assert {"campaign.csv", "campaign.xlsx", "heat_bit_flip.png"} <= names
    file = f"{EXPORTS}/{export.session_id}/files/campaign.csv"
    sent: Any = client.get(file)
    assert sent.getvalue().startswith(b"trial,kind,target,node")
    for path in (begun.json()["status_url"], file):
        assert client_of(eve).get(path).status_code == 404
        assert APIClient().get(path).status_code == 401


@pytest.mark.parametrize(
    "fields",
    [
        {"kinds": "gamma"},
        {"target": "bias"},
        {"rates": "0.1,x"},
        {"rates": "2"},
        {"runs": 0},
        {"runs": 10**6},
        {"layers": ",".join(map(str, range(201)))},
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused(ada: User, fields: dict[str, Any]) -> None:
    answer = posted(client_of(ada), EXPORTS, kind="campaign", **fields)
    assert answer.status_code == 400
    assert not ExportSession.objects.exists()
