import json
from pathlib import Path
from typing import Any

import pytest

from predictions.training.card import card
from predictions.training.figures import DOCUMENT, SHIPPED, fill, read_shipped, told

EMOTIONS_FACTS: dict[str, Any] = json.loads((SHIPPED / "emotions-v2.json").read_text())


def test_a_block_is_filled_between_its_markers_and_filling_again_changes_nothing() -> None:
    end = "<!-- /figures -->"
    text = f"before\n<!-- figures:a -->\nold\n{end}\n<!-- figures:b -->\n{end}"
    once = fill(text, "a", "| new | \\1 |")
    assert once == text.replace("old", "| new | \\1 |")
    assert fill(once, "a", "| new | \\1 |") == once
    with pytest.raises(ValueError, match="figures:c"):
        fill(text, "c", "")


@pytest.mark.parametrize("task", ["emotions", "letters"])
def test_the_document_tells_the_figures_of_the_shipped_networks(task: str) -> None:
    networks = read_shipped(task)
    if networks:
        text = DOCUMENT.read_text()
        assert fill(text, task, told(networks)) == text


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("emotions-*.json")), ids=lambda p: p.stem)
def test_each_card_is_written_from_the_facts_beside_it(path: Path) -> None:
    assert path.with_suffix(".md").read_text() == card(json.loads(path.read_text()))


def test_networks_are_told_by_their_task(tmp_path: Path) -> None:
    for name, task in (("a", None), ("b", "letters")):
        facts = {"tag": name} | ({"task": task} if task else {})
        (tmp_path / f"{name}.json").write_text(json.dumps(facts))
    assert [one["tag"] for one in read_shipped("emotions", tmp_path)] == ["a"]
    assert [one["tag"] for one in read_shipped("letters", tmp_path)] == ["b"]


def test_what_was_not_measured_is_left_out_of_card_and_document() -> None:
    bare = {key: EMOTIONS_FACTS["metrics"][key] for key in ("classes", "sets", "recipe", "limits")}
    facts = {**EMOTIONS_FACTS, "metrics": bare}
    for text in (card(facts), told([facts])):
        assert "spoilt" not in text
        assert "agrees on" not in text
    assert "spoilt" in card(EMOTIONS_FACTS)
