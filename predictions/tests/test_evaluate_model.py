import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from predictions.core.labels import EMOTIONS
from predictions.tests.pictures import COLLINS, HOPPER
from predictions.tests.test_training_packs import write_packs
from predictions.tests.test_training_pictures import write_folder
from predictions.versions import SHIPPED

MEDIA = Path(__file__).parent / "media"
NETWORK = SHIPPED / "emotions-v2.tflite"


def run(*command: object) -> str:
    said = StringIO()
    call_command("evaluate_model", *map(str, command), stdout=said)
    return said.getvalue()


def test_a_network_is_judged_on_ones_own_pictures(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    said = run("--model", NETWORK, "--data", folder, "--json", tmp_path / "report.json")
    assert "the pictures in mine" in said
    assert "One picture at a time on this machine: median" in said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["classes"] == list(EMOTIONS)
    (scores,) = report["sets"]
    assert (scores["n"], scores["per_class"]["happy"]["n"]) == (5, 3)
    facts = json.loads(NETWORK.with_suffix(".json").read_text())
    assert report["subject"]["temperature"] == facts["temperature"]
    assert report["subject"]["sha256"] == facts["files"]["tflite"]["sha256"]
    assert "corruptions" not in report


def test_packs_are_judged_in_their_sets_with_corruptions_when_asked(tmp_path: Path) -> None:
    said = run("--model", NETWORK, "--data", write_packs(tmp_path), "--corruptions", "--limit", 7)
    assert "press photographs" in said
    assert "a band over the lower third" in said


def test_the_whole_path_is_measured_by_margin_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    for name, picture in (("happy", COLLINS), ("neutral", HOPPER)):
        (folder / name).mkdir(parents=True)
        (folder / name / picture.name).write_bytes(picture.read_bytes())
    said = run("--model", NETWORK, "--data", folder, "--margins", "--json", tmp_path / "r.json")
    assert "all: found, accuracy" in said
    rows = json.loads((tmp_path / "r.json").read_text())["end_to_end"]
    assert [(row["n"], row["found"]) for row in rows] == [(2, 1.0)] * 7


@pytest.mark.django_db
def test_a_registered_version_is_judged_by_its_tag(tmp_path: Path) -> None:
    assert "happy" in run("--model", "v2.0.0", "--data", write_folder(tmp_path / "mine"))
    with pytest.raises(CommandError, match=r"no version v9; see .*list_models"):
        run("--model", "v9", "--data", tmp_path)


@pytest.mark.django_db
@pytest.mark.parametrize("tag", ["letters-v2", "letters-small-v1"])
def test_a_network_for_letters_is_judged_by_the_tag_on_its_page(tmp_path: Path, tag: str) -> None:
    (tmp_path / "B").mkdir()
    (tmp_path / "B" / "hand.jpg").write_bytes((MEDIA / "hand-b.jpg").read_bytes())
    run("--model", tag, "--data", tmp_path, "--json", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["subject"]["task"], report["subject"]["file"]) == ("letters", f"{tag}.tflite")
    assert report["sets"][0]["accuracy"] == 1


def test_a_wrong_network_and_wrong_pictures_are_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(b"no network")
    with pytest.raises(CommandError, match=r"net\.tflite cannot be judged: .* is no LiteRT"):
        run("--model", tmp_path / "net.tflite", "--data", tmp_path)
    with pytest.raises(CommandError, match="nor a folder for each class"):
        run("--model", NETWORK, "--data", tmp_path)
    (tmp_path / "mine" / "happy").mkdir(parents=True)
    (tmp_path / "mine" / "happy" / "0.jpg").write_bytes(b"")
    with pytest.raises(CommandError, match=r"0\.jpg cannot be read: .* WebP file\.$"):
        run("--model", NETWORK, "--data", tmp_path / "mine")
    stray = tmp_path / "emotions-v2.tflite"
    stray.write_bytes(NETWORK.read_bytes())
    facts = json.loads(NETWORK.with_suffix(".json").read_text())
    stray.with_suffix(".json").write_text(json.dumps(facts | {"task": "digits"}))
    with pytest.raises(CommandError, match="a network for digits, not for emotions or letters"):
        run("--model", stray, "--data", tmp_path)


def test_a_report_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no folder .*gone, for --json\.$"):
        run("--model", "none", "--data", tmp_path, "--json", tmp_path / "gone" / "report.json")
