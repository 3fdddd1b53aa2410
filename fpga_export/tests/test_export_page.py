"""The page of one run: how far it is, why it failed, what its report says."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from fpga_export import services
from fpga_export.export_page import clock_facts
from fpga_export.models import ExportSession
from fpga_export.step_words import STEPS
from fpga_export.tests.test_services import SMALL, AtOnce, start
from visionai.lib.jobs import JobState

KIND = ExportSession.Kind


@pytest.fixture
def page(ada: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.cookies["django_language"] = "en"
    client.force_login(ada)
    return client


def text_of(page: Client, export: ExportSession, query: str = "") -> str:
    answer = page.get(f"/hardware/trabajos/{export.session_id}/{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_a_run_that_waits_names_the_layers_that_it_will_come_to(page: Client, ada: User) -> None:
    text = text_of(page, start(ada, KIND.INFERENCE))
    places = [text.index(f'data-step="{name}"') for name in ("conv1", "pool1", "dense", "logits")]
    assert places == sorted(places)
    assert 'data-step="gray"' not in text  # the input is nothing to wait for
    assert all(f'data-word="step-{code}"' in text for code in STEPS)
    assert "about {seconds} s left" in text


def test_a_run_without_layers_has_no_list_of_them(page: Client, ada: User) -> None:
    text = text_of(page, start(ada, KIND.IMAGE, width=8, height=8))
    assert "data-step=" not in text
    assert 'id="progress"' in text


def test_a_run_whose_network_was_deleted_has_a_page_all_the_same(page: Client, ada: User) -> None:
    export = start(ada, KIND.INFERENCE)
    ExportSession.objects.filter(pk=export.pk).update(network="gone.keras")
    assert "data-step=" not in text_of(page, export)


def test_a_run_that_failed_says_why_and_leads_back(
    page: Client, ada: User, at_once: AtOnce
) -> None:
    export = at_once(
        lambda: services.start_export(
            ada, None, kind=KIND.INFERENCE, asked={}, network=SMALL, picture=b"x", at=timezone.now()
        )
    )
    text = text_of(page, export)
    assert "It is not a JPEG, PNG or WebP picture." in text
    assert f'href="/hardware/redes/{SMALL}/">Try again' in text


def test_a_core_has_its_report_on_the_page(page: Client, ada: User, at_once: AtOnce) -> None:
    export = at_once(lambda: start(ada, KIND.DESIGN, lanes=16, bits=8))
    export.refresh_from_db()
    assert export.state == JobState.DONE
    text = text_of(page, export)
    network, layers = export.result["report"]["network"], export.result["report"]["layers"]
    assert f"{network['parameters']:,}" in text
    assert network["worst_layer"] in text
    conv = next(one for one in layers if one["name"] == "conv1")
    assert conv["cost"]["parameters"] == 120
    assert conv["weight_format"]["text"] in text
    digest = export.result["verdict"]["files"]["Makefile"]
    assert digest in text
    assert "ghdl -a --std=08" in text
    milliseconds = export.result["cycles"] / 25e3  # at 25 MHz
    assert f"{milliseconds:.2f}"[:4] in text_of(page, export, "?clock=25")
    for bad in ("?clock=", "?clock=x", "?clock=nan", "?clock=0", "?clock=1e999", "?clock=-5"):
        assert "at 100 MHz" in text_of(page, export, bad)


def test_a_clock_says_how_long_a_picture_takes_and_how_many_a_second() -> None:
    told = clock_facts({"cycles": 50_000}, "50")
    assert (told["milliseconds"], told["a_second"]) == (1.0, 1000.0)
    stream = clock_facts({"cycles": 1_000, "first_cycles": 5_000}, "0,1")
    assert (stream["milliseconds"], stream["a_second"]) == (50.0, 100.0)
