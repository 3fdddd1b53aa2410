"""Packs through the API and the pages, with a real child process."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import override
from openpyxl import load_workbook
from rest_framework.test import APIClient

from accounts.models import User
from fpga_export import pack_forms, store
from fpga_export.models import ExportSession
from fpga_export.selectors import error_sentence
from fpga_export.tests.packs import labelled_zip, npz, png, zip_of
from fpga_export.tests.test_fault_api import client_of
from fpga_export.tests.test_services import SMALL, finished
from visionai.lib.jobs import JobState

pytestmark = pytest.mark.django_db
AtOnce = Callable[[Callable[[], Any]], Any]
EXPORTS = "/api/v1/hardware/exports"


def a_file(data: bytes, name: str = "hands.zip") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def campaign(client: APIClient, **fields: Any) -> Any:
    form = {"kind": "campaign", "network": SMALL, "runs": 1, "hits": 4, "each_bit": "false"}
    return client.post(EXPORTS, form | fields, format="multipart")


def latest(user: User) -> ExportSession:
    return ExportSession.objects.owned_by(user).latest("pk")


def test_a_design_is_judged_by_a_pack_and_calibrated_on_a_part_of_it(
    ada: User, at_once: AtOnce
) -> None:
    form = {"kind": "design", "network": SMALL, "lanes": 16, "calibrate": 25}
    form["pack"] = a_file(labelled_zip(["A", "b", "Z"], each=8))
    answer = at_once(lambda: client_of(ada).post(EXPORTS, form, format="multipart"))
    assert answer.status_code == 202
    export = finished(latest(ada))
    pack = export.result["report"]["pack"]
    assert (pack["held"], pack["calibrated_on"], pack["pictures"]) == (24, 6, 18)
    assert pack["labelled"] is True
    assert pack["agreement"]["pictures"] == pack["accuracy_integer"]["pictures"] == 18
    assert 0 <= pack["agreement"]["low"] <= pack["agreement"]["share"] <= pack["agreement"]["high"]
    assert export.result["integer_name"] in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    folder = store.published("hdl_designs", export.session_id)
    told = json.loads((folder / "report.json").read_text())
    assert told["pack"] == pack
    assert told["classes"][25] == "Z"
    book = load_workbook(folder / "report.xlsx")
    assert "pack.layers" in book.sheetnames
    facts = dict(book["report"].iter_rows(min_row=2, max_col=2, values_only=True))
    assert facts["pack.agreement.same"] == pack["agreement"]["same"]
    page = Client(headers={"accept-language": "en"})
    page.force_login(ada)
    text = page.get(f"/hardware/trabajos/{export.session_id}/").content.decode()
    assert "Judged by the pack" in text
    assert f"{pack['agreement']['same']} of 18" in text
    assert "Accuracy in integers" in text


@pytest.mark.parametrize("labelled", [True, False])
def test_a_campaign_counts_accuracy_with_labels_and_changes_without(
    ada: User, at_once: AtOnce, *, labelled: bool
) -> None:
    data = npz(["A", "B", "C", "D"]) if labelled else zip_of({f"{n}.png": png(n) for n in range(4)})
    name = "hands.npz" if labelled else "hands.zip"
    answer = at_once(lambda: campaign(client_of(ada), pack=a_file(data, name)))
    assert answer.status_code == 202
    told = finished(latest(ada)).result["campaign"]
    assert told["pictures"] == 4
    assert (told["pack"], told["labelled"]) == (True, labelled)
    assert (told["accuracy"] is not None) is labelled
    rows = [dict(zip(told["heads"], row, strict=True)) for row in told["worst"]]
    assert all((row["accuracy"] is not None) is labelled for row in rows)
    page = Client(headers={"accept-language": "en"})
    page.force_login(ada)
    text = page.get(f"/hardware/trabajos/{latest(ada).session_id}/").content.decode()
    assert "Pictures of the pack" in text
    assert ("The drop is of accuracy" in text) is labelled


def test_a_list_of_pictures_is_a_pack_without_labels(ada: User, at_once: AtOnce) -> None:
    pictures = [a_file(png(number), f"{number}.png") for number in range(3)]
    answer = at_once(lambda: campaign(client_of(ada), pictures=pictures))
    assert answer.status_code == 202
    assert finished(latest(ada)).result["campaign"]["pictures"] == 3


def test_a_pack_may_come_as_text_in_json(ada: User, at_once: AtOnce) -> None:
    body = {"kind": "campaign", "network": SMALL, "runs": 1, "each_bit": False}
    body["pack"] = base64.b64encode(labelled_zip(["A", "B"])).decode()
    answer = at_once(lambda: client_of(ada).post(EXPORTS, body, format="json"))
    assert answer.status_code == 202
    assert finished(latest(ada)).result["campaign"]["labelled"] is True


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"nothing", "neither a ZIP nor an .npz"),
        (zip_of({"../../a.png": png()}), "names a file outside of itself"),
        (labelled_zip(["A", "wave"]), "The label wave is no class"),
        (zip_of({"A/1.png": png(), "B/2.png": b"no"}), "The picture B/2.png of the pack"),
    ],
)
def test_a_pack_that_is_not_taken_says_why(
    ada: User, at_once: AtOnce, data: bytes, words: str
) -> None:
    at_once(lambda: campaign(client_of(ada), pack=a_file(data)))
    export = latest(ada)
    assert export.state == JobState.FAILED
    with override("en"):
        assert words in error_sentence(export)


def test_what_is_no_request_for_a_pack_is_refused_at_once(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(ada)
    both = campaign(client, pack=a_file(b"x"), pictures=[a_file(png())])
    assert (both.status_code, both.json()["code"]) == (400, "bad_input")
    assert "not both" in both.json()["detail"]
    assert campaign(client, pack=a_file(b"x"), calibrate=95).status_code == 400
    body = {"kind": "campaign", "network": SMALL, "pack": "%%%"}
    assert client.post(EXPORTS, body, format="json").status_code == 400
    assert campaign(client).json()["code"] == "no_file"
    monkeypatch.setattr(pack_forms, "PACK_BYTES", 100)
    large = campaign(client, pack=a_file(b"x" * 101))
    assert "larger than 50 MB" in large.json()["detail"]
    assert not ExportSession.objects.exists()


def test_nobody_without_a_login_and_no_stranger_gets_anything_of_it(
    ada: User, eve: User, at_once: AtOnce
) -> None:
    assert campaign(APIClient(), pack=a_file(labelled_zip(["A", "B"]))).status_code == 401
    at_once(lambda: campaign(client_of(ada), pack=a_file(labelled_zip(["A", "B"]))))
    session = finished(latest(ada)).session_id
    assert client_of(eve).get(f"{EXPORTS}/{session}").status_code == 404
    assert client_of(ada).get(f"{EXPORTS}/{session}").status_code == 200
    # The pack itself is gone with the run's folder.
    assert not (store.work(session)).exists()


def test_the_page_takes_a_pack_in_place_of_a_picture(ada: User, at_once: AtOnce) -> None:
    page = Client(headers={"accept-language": "en"})
    page.force_login(ada)
    address = f"/hardware/redes/{SMALL}/"
    assert 'name="pack"' in page.get(address).content.decode()
    form = {"kinds": "bit_flip", "target": "weights", "rates": "0.01", "runs": 1, "seed": 0}
    packed = {"pack": a_file(labelled_zip(["A", "B"])), "calibrate": 50}
    at_once(lambda: page.post(f"{address}campana/", form | packed))
    assert finished(latest(ada)).result["campaign"]["pictures"] == 2
    told = page.post(f"{address}campana/", form, follow=True).content.decode()
    assert "Choose a picture first, or a pack." in told


def test_letters_and_emotions_are_called_by_their_names() -> None:
    assert store.class_names(SMALL)[:3] == ["A", "B", "C"]
    assert "happy" in store.class_names("emotions-v3.keras")
    assert store.class_names("mine.keras") == []
    assert store.class_names("../../accounts.keras") == []


def test_an_inference_is_shown_with_the_names_of_its_classes(ada: User, at_once: AtOnce) -> None:
    page = Client(headers={"accept-language": "en"})
    page.force_login(ada)
    picture = io.BytesIO(png(side=32))
    form = {"file": SimpleUploadedFile("hand.png", picture.getvalue(), "image/png")}
    at_once(lambda: page.post(f"/hardware/redes/{SMALL}/capas/", form))
    export = finished(latest(ada))
    name = export.result["predicted_name"]
    assert name == store.class_names(SMALL)[export.result["predicted_class"]]
    text = page.get(f"/hardware/trabajos/{export.session_id}/").content.decode()
    assert f"Class {name}" in text
