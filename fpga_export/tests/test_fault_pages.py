"""The pages on which faults are injected and campaigns are started."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from fpga_export.edges import Makes
from fpga_export.models import ExportSession
from fpga_export.tests.test_services import SMALL, a_picture, finished

pytestmark = pytest.mark.django_db
AtOnce = Callable[[Callable[[], Any]], Any]
NETWORK = f"/hardware/redes/{SMALL}/"


@pytest.fixture
def page(ada: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(ada)
    return client


def sent(client: Client, kind: str, **fields: Any) -> Any:
    form = {"file": SimpleUploadedFile("hand.png", a_picture(), "image/png"), **fields}
    return client.post(f"{NETWORK}{kind}/", form)


FAULTS = {"fault_type": "stuck_at_1", "target": "weights", "layer": "", "rate": "0.2", "seed": 5}


def test_the_page_offers_faults_on_the_layers_with_weights(page: Client) -> None:
    text = page.get(NETWORK).content.decode()
    assert 'action="/hardware/redes/letters-small-v1.keras/fallos/"' in text
    assert "<option>conv1</option>" in text
    assert "<option>pool1</option>" not in text


def test_faults_are_injected_and_shown_beside_the_healthy_network(
    page: Client, ada: User, at_once: AtOnce
) -> None:
    answer = at_once(lambda: sent(page, "fallos", **FAULTS))
    export = finished(ExportSession.objects.get())
    config = export.result["fault_injection"]
    assert set(config["layers"]) == {"conv1", "conv2", "conv3", "dense", "logits"}
    assert config["seed"] == 5
    text = page.get(answer.url).content.decode()
    assert "Without the faults it is" in text
    assert "With faults" in text
    assert "conv1_mosaic_integer.png" in text


def test_a_campaign_is_shown_as_tables_and_plots(page: Client, at_once: AtOnce) -> None:
    fields = {"kinds": "bit_flip", "target": "weights", "runs": 1, "seed": 0, "each_bit": "on"}
    answer = at_once(lambda: sent(page, "campana", **fields))
    finished(ExportSession.objects.get())
    text = page.get(answer.url).content.decode()
    assert "Mean drop" in text
    assert "Flipped bits" in text
    assert "heat_bit_flip.png" in text
    assert ">bit 7<" in text
    assert "curves.png" not in text.split("<details>")[0]


def test_a_campaign_over_rates_shows_its_curves(page: Client, at_once: AtOnce) -> None:
    fields = {"kinds": "bit_flip", "target": "activations", "rates": "0.01, 0.1", "runs": 1}
    answer = at_once(lambda: sent(page, "campana", **fields, seed=0))
    export = finished(ExportSession.objects.get())
    assert export.result["campaign"]["plan"]["each_bit"] is False
    assert "curves.png" in page.get(answer.url).content.decode()


@pytest.mark.parametrize(
    "change", [{"rate": "2"}, {"rate": "x"}, {"fault_type": "y"}, {"seed": -1}]
)
def test_a_mistake_is_told_on_the_page(page: Client, change: dict[str, Any]) -> None:
    answer = sent(page, "fallos", **(FAULTS | change))
    assert answer.url == NETWORK
    assert not ExportSession.objects.exists()
    assert "alert" in page.get(NETWORK).content.decode()


def test_nobody_else_starts_or_sees_anything(ada: User, eve: User) -> None:
    assert "/cuenta/entrar/" in sent(Client(), "fallos", **FAULTS).url
    client = Client()
    client.force_login(eve)
    made = ExportSession.objects.create(
        session_id="user_1_1_aaaaaaaa",
        owner=ada,
        kind="campaign",
        network=SMALL,
        created_at=timezone.now(),
    )
    assert client.get(f"/hardware/trabajos/{made.session_id}/").status_code == 404


def test_pages_are_counted_with_the_api_and_refused_with_a_time_to_wait(
    page: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Makes, "rate", "2/min")
    api = APIClient()
    api.force_authenticate(ada)
    api.delete("/api/v1/hardware/networks/no.keras")
    form = {"file": SimpleUploadedFile("red.keras", b"x")}
    assert page.post("/hardware/subir/", form).status_code == 302
    form = {"file": SimpleUploadedFile("red.keras", b"x")}
    refused = page.post("/hardware/subir/", form, headers={"accept": "text/html"})
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert "y vuelve a intentarlo" in refused.content.decode()
    assert sent(page, "fallos", **FAULTS).status_code == 429
    assert page.get(NETWORK).status_code == 200
