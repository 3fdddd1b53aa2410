"""The Model page and its API, for whoever may look: everybody."""

import csv
import io
import json
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from rest_framework.test import APIClient

from accounts.tests.factories import a_user
from predictions import model_cards, report_words
from predictions.core.report_view import TABLES, read_results
from predictions.models import ModelVersion
from predictions.tests.factories import a_version
from predictions.tests.reports import a_report
from predictions.versions import SHIPPED, activate_version, active_version, roll_back_version
from visionai.lib.amounts import whole

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured() -> ModelVersion:
    """A version at work whose report has every part."""
    return a_version("measured", metrics=a_report())


def page(client: Client, path: str = "/modelo/", *, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


@pytest.mark.parametrize("who", ["anonymous", "user", "staff"])
def test_everybody_may_read_it(client: Client, measured: ModelVersion, who: str) -> None:
    if who != "anonymous":
        client.force_login(a_user(role="admin" if who == "staff" else "user"))
    text = page(client)
    assert 'href="/modelo/" aria-current="page"' in text
    for name in ("sets", "classes", "confusion", "reliability", "coverage", "corruptions"):
        assert f'id="{name}"' in text
    for table in TABLES:
        assert f"/api/v1/model/card/{table}?" in text
    assert text.count('<svg class="chart"') == 2


def test_it_speaks_spanish_and_counts_as_spaniards_do(
    client: Client, measured: ModelVersion
) -> None:
    text = page(client).replace("\N{NO-BREAK SPACE}", " ")
    assert "90,0 % (59,6 – 98,2 %)" in text  # recall of angry, and its interval
    assert "Exhaustividad: Asco" in text
    assert "borrosa, 2 píxeles de 96" in text
    assert ">2,8<" in text  # points, rounded and not cut


def test_another_set_is_shown_on_request(client: Client, measured: ModelVersion) -> None:
    answer = client.get("/modelo/?set=press")
    assert answer.context["results"].chosen == "press"
    assert [one.count for one in answer.context["matrix"].cells] == [2, 0, 0, 0]


def test_a_model_that_nobody_measured_says_how_to(client: Client) -> None:
    a_version("stranger", temperature=1.0, metrics={"sets": [], "source": "mine.h5"})
    text = page(client)
    assert 'id="unmeasured"' in text
    assert "evaluate_model --model stranger" in text
    assert "sin calibrar" in text
    assert "mine.h5" in text
    assert "art. 5.1.f" in text.split('id="limits"')[1]  # the law holds all the same
    assert '<svg class="chart' not in text


def test_what_a_report_leaves_out_is_named(client: Client) -> None:
    report = a_report()
    del report["seeds"], report["end_to_end"]
    a_version("partly", metrics=report)
    text = page(client)
    assert "Sin medir en esta versión: las imágenes enteras, otros comienzos al azar." in text
    assert 'id="seeds"' not in text


def test_a_damaged_report_is_no_fault_of_the_page(client: Client) -> None:
    report = a_report() | {"corruptions": 7, "seeds": {"x": 1}, "limits": "none"}
    report["sets"][0]["confusion"] = "gone"
    a_version("damaged", metrics=report)
    assert 'id="confusion"' not in page(client)


def test_without_a_model_at_work_it_says_what_to_do(client: Client) -> None:
    ModelVersion.objects.update(active=None)
    assert "manage.py activate_model" in page(client)


def test_a_version_that_is_not_at_work_can_be_looked_at(
    client: Client, measured: ModelVersion
) -> None:
    a_version("newer", metrics=a_report())
    text = page(client, "/modelo/?version=measured")
    assert "Estás viendo una versión que no está en uso." in text
    assert "evaluate_model" not in text


def test_an_unknown_version_is_a_page_too(client: Client, measured: ModelVersion) -> None:
    text = page(client, "/modelo/?version=%3Cb%3E", status=404)
    assert "Ninguna versión se llama &lt;b&gt;." in text
    assert 'id="versions"' in text


def test_versions_tell_when_they_were_put_to_work_and_rolled_back(
    client: Client, measured: ModelVersion
) -> None:
    a_version("newer", active=False)
    activate_version("newer", by=a_user("root"), at=timezone.now())
    roll_back_version(at=timezone.now())
    versions = page(client).split('id="versions"')[1]
    assert "revertida" in versions
    assert "root" not in versions  # who did it is nobody's business here


def test_many_versions_cost_no_more_queries(client: Client, measured: ModelVersion) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            page(client)
        return len(seen)

    before = queries()
    for number in range(5):
        a_version(f"more-{number}")
    assert queries() == before


def test_the_shipped_network_shows_its_card(client: Client) -> None:
    text = page(client)
    assert 'id="confusion"' in text
    version = active_version()
    assert version is not None
    assert whole(version.total_params) in text


def test_every_sentence_of_a_shipped_report_has_its_spanish() -> None:
    missing = []
    for path in SHIPPED.glob("*.json"):
        results = read_results(json.loads(path.read_text()).get("metrics"))
        sentences = [title for _name, title in results.sets] + list(results.limits)
        for name, keys in {
            "corruptions": ["corruption"],
            "provenance": ["source", "licence"],
        }.items():
            rows = results.tables[name].rows if name in results.tables else ()
            sentences += [str(row[key]) for row in rows for key in keys]
        with translation.override("es"):
            missing += [one for one in sentences if one and report_words.said(one) == one]
    assert missing == []


# letters


@pytest.fixture
def letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the networks of letters."""
    monkeypatch.setattr(model_cards, "SHIPPED", tmp_path)
    return tmp_path


def a_letter_file(folder: Path, name: str, **more: object) -> None:
    facts = {
        "tag": name,
        "task": "letters",
        "files": {"tflite": {"name": f"{name}.tflite", "bytes": 1000, "sha256": "ab" * 32}},
        "precision": "int8",
        "temperature": 1.3,
        "threshold": 0.3,
        "input_shape": "(None, 96, 96, 3)",
        "total_params": 930570,
        "metrics": a_report(),
    }
    (folder / f"{name}.json").write_text(json.dumps(facts | more))


def test_without_a_network_for_letters_the_tab_says_so(client: Client, letters: Path) -> None:
    assert "No hay instalada ninguna red para letras" in page(client, "/modelo/letras/")


def test_letters_have_a_tab_with_the_sample_for_hardware(client: Client, letters: Path) -> None:
    a_letter_file(letters, "letters-small-v1", input_shape="(None, 32, 32, 1)")
    a_letter_file(letters, "letters-v2")
    text = page(client, "/modelo/letras/")
    assert "La J y la Z se signan con un movimiento" in text
    assert "Dice «ninguna letra» por debajo de" in text
    assert "Muestra para hardware" in text
    small = page(client, "/modelo/letras/?version=letters-small-v1")
    assert "(None, 32, 32, 1)" in small
    assert page(client, "/modelo/letras/?version=x", status=404)


def test_a_card_of_letters_with_little_in_it_is_shown(client: Client, letters: Path) -> None:
    (letters / "letters-v2.json").write_text(json.dumps({"tag": "letters-v2", "task": "letters"}))
    assert 'id="unmeasured"' in page(client, "/modelo/letras/")


# API


def test_the_card_is_told_to_programs(measured: ModelVersion) -> None:
    body = APIClient().get("/api/v1/model/card").json()
    assert (body["network"], body["model_version_tag"], body["active"]) == (
        "emotions",
        "measured",
        True,
    )
    assert (body["calibrated"], body["report"]["sets"][0]["name"]) == (True, "strict")
    assert APIClient().get("/api/v1/model/card/").status_code == 200


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_a_file_too(measured: ModelVersion, table: str) -> None:
    answer = APIClient().get(f"/api/v1/model/card/{table}?format=csv&version=measured")
    assert answer.status_code == 200
    assert f'filename="measured-{table}.csv"' in answer["Content-Disposition"]
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert rows
    assert all(len(row) == len(head) for row in rows)


def test_a_file_holds_the_ends_of_intervals_and_the_chosen_set(measured: ModelVersion) -> None:
    rows = APIClient().get("/api/v1/model/card/classes?format=json&set=press").json()
    assert rows[0] == {
        "class": "angry",
        "n": 2,
        "precision": 0.75,
        "recall": 0.9,
        "recall_low": 0.5958,
        "recall_high": 0.9821,
        "f1": 0.82,
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("card?version=none", "unknown_version"),
        ("card?network=dogs", "unknown_version"),
        ("card/classes?version=none", "unknown_version"),
        ("card?version=a%00b", "unknown_version"),
        ("card/nonsense", "not_measured"),
        ("card/classes?set=pres", "unknown_set"),
    ],
)
def test_what_is_not_there_is_a_problem(measured: ModelVersion, query: str, code: str) -> None:
    answer = APIClient().get(f"/api/v1/model/{query}")
    assert (answer.status_code, answer.json()["code"]) == (404, code)
