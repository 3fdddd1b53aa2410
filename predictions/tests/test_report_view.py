"""A report as tables and pictures: every part, and what is missing or not as described."""

from typing import Any

import numpy as np
import pytest

from predictions.core import report
from predictions.core.report_charts import matrix, reliability
from predictions.core.report_view import TABLES, read_results
from predictions.tests.reports import a_report


def test_every_table_of_a_whole_report_is_there() -> None:
    results = read_results(a_report())
    assert set(results.tables) == set(TABLES)
    assert results.sets == (("strict", "Strict"), ("press", "Press"))
    assert results.chosen == "strict"
    assert results.limits == ("It has limits.",)
    for table in results.tables.values():
        for row in table.rows:
            assert set(table.keys) <= set(row)


def test_the_reader_takes_what_the_writer_makes() -> None:
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2, 1]] * 4
    scores = report.score(
        "own", logits, np.array([0, 1, 2, 2]), title="Own", classes=["a", "b", "c"]
    )
    results = read_results({"classes": ["a", "b", "c"], "sets": [scores]})
    assert set(results.tables) == {"sets", "classes", "confusion", "reliability", "coverage"}
    (row,) = results.tables["sets"].rows
    assert (row["n"], row["accuracy"]) == (4, 0.75)
    assert results.tables["classes"].rows[2]["recall"] == 0.5


def test_a_set_is_chosen_by_its_name_and_an_unknown_one_is_the_first() -> None:
    press = read_results(a_report(), chosen="press")
    assert press.chosen == "press"
    assert [row["n"] for row in press.tables["classes"].rows] == [2, 0]
    assert read_results(a_report(), chosen="no such").chosen == "strict"


def test_what_a_network_never_saw_is_shown_unasked() -> None:
    raw = a_report()
    raw["sets"][1]["name"] = "unseen"
    assert read_results(raw).chosen == "unseen"
    assert read_results(raw, chosen="strict").chosen == "strict"


def test_sources_that_were_only_reported_have_a_column_of_their_own() -> None:
    raw = a_report()
    assert "test" not in read_results(raw).tables["provenance"].keys
    raw["provenance"][0]["test"] = 520
    table = read_results(raw).tables["provenance"]
    assert table.keys == ("source", "train", "validation", "test", "licence")
    assert [row["test"] for row in table.rows] == [520, None]


def test_means_of_seeds_stand_below_them() -> None:
    *seeds, mean = read_results(a_report()).tables["seeds"].rows
    assert [one["seed"] for one in seeds] == [1, 2]
    assert (mean["seed"], mean["accuracy"]) == (None, pytest.approx(0.85))
    assert mean["recall_disgust"] == pytest.approx(0.45)


@pytest.mark.parametrize("raw", [None, [], 7, "x", {}, {"sets": None}, {"sets": [1, {}, None]}])
def test_what_is_no_report_has_no_tables(raw: object) -> None:
    results = read_results(raw)
    assert (results.sets, results.tables, results.limits) == ((), {}, ())


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        ("corruptions", [{"name": "blur"}]),
        ("corruptions", "many"),
        ("crop", [{"side": "wide", "accuracy": 0.5}]),
        ("end_to_end", [None]),
        ("precision", []),
        ("latency_ms", 3),
        ("agreement", {}),
        ("seeds", [{"seed": 1}]),
        ("seeds", {}),
        ("provenance", [{"train": 5}]),
    ],
)
def test_a_part_that_is_not_as_described_is_left_out(part: str, wrong: object) -> None:
    raw = a_report() | {part: wrong}
    name = "latency" if part == "latency_ms" else part
    assert set(TABLES) - set(read_results(raw).tables) == {name}


@pytest.mark.parametrize(
    ("part", "wrong", "name"),
    [
        ("per_class", None, "classes"),
        ("confusion", [[1, 2]], "confusion"),
        ("confusion", [[1], [2, 3]], "confusion"),
        ("calibration", {"bins": [{"n": 1}]}, "reliability"),
        ("coverage", [{}], "coverage"),
    ],
)
def test_a_part_of_a_set_that_is_not_as_described_is_left_out(
    part: str, wrong: object, name: str
) -> None:
    raw: Any = a_report()
    raw["sets"][0][part] = wrong
    assert name not in read_results(raw).tables
    assert "corruptions" in read_results(raw).tables


def test_a_cell_is_tinted_by_its_share_of_the_row() -> None:
    picture = matrix(read_results(a_report()).tables["confusion"])
    shown = [(one.truth, one.answer, one.count, one.label, one.strong) for one in picture.cells]
    assert shown == [
        ("angry", "angry", 9, "90", True),
        ("angry", "disgust", 1, "10", False),
        ("disgust", "angry", 3, "60", True),
        ("disgust", "disgust", 2, "40", False),
    ]
    assert [one.opacity for one in picture.cells] == ["0.97", "0.10", "0.89", "0.28"]
    assert picture.counts
    assert {one.x for one in picture.cells} == {112, 176}
    last = picture.cells[-1]
    assert last.x + picture.side <= picture.width
    assert last.y + picture.side <= picture.height


def test_a_row_without_pictures_has_no_tint() -> None:
    picture = matrix(read_results(a_report(), chosen="press").tables["confusion"])
    assert [one.opacity for one in picture.cells[2:]] == ["0", "0"]


def test_a_matrix_of_many_classes_has_small_cells_without_counts() -> None:
    names = [chr(65 + number) for number in range(26)]
    counts = {"n": 1, "precision": None, "recall": None, "recall_interval": None, "f1": None}
    scores = {
        "name": "one",
        "title": "One",
        "per_class": dict.fromkeys(names, counts),
        "confusion": np.eye(26, dtype=int).tolist(),
    }
    picture = matrix(read_results({"classes": names, "sets": [scores]}).tables["confusion"])
    assert (picture.counts, picture.side, len(picture.cells)) == (False, 24, 676)


def test_a_bin_lies_at_its_confidence_and_accuracy_with_its_interval() -> None:
    picture = reliability(read_results(a_report()).tables["reliability"])
    first, last = picture.points
    assert (first.few, last.few) == (True, False)
    assert first.x == picture.left + 100  # a confidence of a quarter
    assert first.y == picture.top + 200  # half of them right
    assert last.high < last.y < last.low
    assert last.bar_height == 70  # the fullest bin
    assert [tick.label for tick in picture.ticks] == ["0", "20", "40", "60", "80", "100"]
    for point in picture.points:
        assert picture.top <= point.high <= point.low <= picture.bottom
