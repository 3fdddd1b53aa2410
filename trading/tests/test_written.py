"""What docs/trading.md says of paths, limits and codes is so."""

import re
from pathlib import Path
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from trading import refusals
from trading.core.evaluation import FEWEST_SEEDS, FEWEST_TRADES
from trading.lab_terms import FOLDS, SEEDS
from trading.limits import OF_A_SESSION, OF_A_USER, OF_A_USER_REAL
from visionai.lib.errors import DomainError

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "trading.md").read_text("utf-8")
ONE = "/trading/sessions/{session_id}"
KINDS = ["/trading/backtests", "/trading/agents"]
LIMITS = {
    "largest stake": "stake",
    "largest loss a day (UTC)": "daily_loss",
    "largest fall from the best result": "drawdown",
    "losses in a row": "consecutive_losses",
    "trades an hour": "trades_per_hour",
    "open positions": "open_positions",
    "minutes that a bot runs": "run_minutes",
}


def rows(head: str) -> list[list[str]]:
    """The cells of the table that begins so."""
    lines = TEXT[TEXT.index(head) :].splitlines()[2:]
    table = lines[: next(place for place, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def shape(path: str) -> str:
    """Whatever a parameter is called."""
    return re.sub(r"\{\w+\}", "{}", path.partition("?")[0])


def written_paths() -> set[str]:
    """Of the first column; `/{uid}` follows agents and backtests alike."""
    found = set()
    for cells in rows("| | |\n|---|---|\n| `POST /trading/sessions`"):
        tokens = [token.split(" ")[-1] for token in re.findall(r"`([^`]+)`", cells[0])]
        for path in (one.replace("…", ONE) for one in tokens if "/" in one):
            bases = [""] if path.startswith("/trading") else KINDS
            found |= {shape(base + path) for base in bases}
    return found


def served_paths() -> set[str]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    found = set()
    for path in schema["paths"]:
        name = path.removeprefix("/api/v1")
        if name.startswith("/trading/{kind}"):
            found |= {shape(name.replace("/trading/{kind}", kind)) for kind in KINDS}
        elif name == "/trading/limits/{account_type}":
            found |= {"/trading/limits/PRACTICE", "/trading/limits/REAL"}
        elif name.startswith("/trading"):
            found.add(shape(name))
    return found


def test_the_paths_that_are_written_down_are_those_that_are_served() -> None:
    written, served = written_paths(), served_paths()
    assert len(served) > 25
    assert (served - written, written - served) == (set(), set())


def test_the_limits_are_as_written() -> None:
    table = rows("| limit | of a session |")
    assert [cells[0] for cells in table] == list(LIMITS)
    for name, *cells in table:
        for cell, limits in zip(cells, (OF_A_SESSION, OF_A_USER, OF_A_USER_REAL), strict=True):
            number = int(cell.split(" ")[0].rstrip(",").replace(",", ""))
            assert number == getattr(limits, LIMITS[name]), (name, cell)


def test_the_codes_have_the_status_that_is_written() -> None:
    kinds = [one for one in vars(refusals).values() if isinstance(one, type)]
    known = {one.code: one.status for one in kinds if issubclass(one, DomainError)}
    written: dict[str, int] = {}
    for codes, status, _words in rows("| code | status | |"):
        written |= {code: int(status) for code in re.findall(r"`(\w+)`", codes)}
    assert len(written) > 7
    assert {code: known[code] for code in written} == written


def test_what_an_edge_takes_is_as_written() -> None:
    assert (FEWEST_SEEDS, SEEDS, FOLDS, FEWEST_TRADES) == (5, 5, 4, 100)
    assert "at least five seeds and 100 decided trades a seed" in TEXT
    assert "four times\nover" in TEXT
    assert pytest.approx(0.538, abs=0.0005) == 1 / 1.86
    assert pytest.approx(-0.07) == 0.5 * 0.86 - 0.5
