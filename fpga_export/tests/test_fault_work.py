"""The child's work for faults, in a folder of its own."""

import csv
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from fpga_export import fault_work
from fpga_export.core.fault_config import BadFaultConfig
from fpga_export.core.passes import NotForHardware
from fpga_export.fault_work import BadPlan
from fpga_export.tests.float_networks import classifier, pictures
from fpga_export.tests.ghdl import needs


@dataclass
class Run:
    folder: Path
    asked: dict[str, Any]
    told: list[tuple[float, str]] = field(default_factory=list)

    def tell(self, progress: float, step: str) -> None:
        self.told.append((progress, step))

    def write(self, folder: str, name: str, content: str | bytes) -> None:
        path = self.folder / "out" / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def files(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.folder / "out" / folder).glob("*"))


def stuck(layer: str = "conv2d") -> dict[str, Any]:
    entry = {"fault_type": "stuck_at_1", "fault_rate": 0.3}
    return {"enabled": True, "seed": 2, "layers": {layer: entry}}


def one(folder: Path, **asked: Any) -> tuple[Run, dict[str, Any]]:
    run, seen = Run(folder, asked), pictures(4)
    return run, fault_work.inference(run, classifier(), seen[0], seen)


def campaign(folder: Path, **asked: Any) -> tuple[Run, dict[str, Any]]:
    run, seen = Run(folder, asked), pictures(4)
    return run, fault_work.many(run, classifier(), seen[0], seen)["campaign"]


def test_an_inference_without_faults_changes_nothing(tmp_path: Path) -> None:
    _, result = one(tmp_path)
    assert result["fault_injection"]["enabled"] is False
    assert result["fault_injection"]["healthy_class"] == result["predicted_class"]
    assert all(layer["changed"] == 0 for layer in result["layers"])
    assert sum(result["all_probabilities"]) == pytest.approx(1)


def test_an_inference_with_faults_shows_what_they_did(tmp_path: Path) -> None:
    run, result = one(tmp_path, fault_config=stuck())
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    conv = result["layers"][0]
    assert conv["name"] == "conv2d"
    assert conv["changed"] > 0
    assert conv["largest_error"] > 0
    assert result["confidence"] == max(result["all_probabilities"])
    names = run.files("layer_outputs")
    assert {"conv2d_feature_maps.xlsx", "conv2d_mosaic.png", "conv2d_channel_3.png"} <= set(names)
    book = load_workbook(tmp_path / "out" / "layer_outputs" / "conv2d_feature_maps.xlsx")
    assert "error_0" in book.sheetnames


def test_a_fault_is_confirmed_by_simulation_where_that_is_asked(tmp_path: Path) -> None:
    needs("ghdl")
    run, result = one(tmp_path, fault_config=stuck(), confirm=True)
    told = result["fault_injection"]["confirmed"]
    assert told["label"] == "verified"
    assert told["values"] > 0
    assert "verdict.json" in run.files("hdl_designs")
    assert "build" not in run.files("hdl_designs")


def test_a_core_that_is_too_slow_to_simulate_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_work, "MOST_CYCLES", 10)
    run, result = one(tmp_path, fault_config=stuck(), confirm=True)
    told = result["fault_injection"]["confirmed"]
    assert told == {"label": "not_simulated", "reason": "limits"}
    assert run.files("hdl_designs") == []


def test_a_wrong_configuration_and_a_network_without_a_core_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFaultConfig):
        one(tmp_path, fault_config=stuck("nothing"))
    with pytest.raises(NotForHardware):
        fault_work.inference(Run(tmp_path, {}), classifier(last="GRU"), pictures(1)[0], pictures(2))


def test_a_campaign_leaves_tables_and_plots(tmp_path: Path) -> None:
    run, result = campaign(tmp_path, runs=2, hits=4, kinds=["bit_flip", "stuck_at_0"])
    assert json.loads(json.dumps(result, allow_nan=False)) is not None
    assert result["trials"] == result["planned"] == 2 * 2 * 8 * 2
    assert result["complete"]
    assert result["pictures"] == 32
    assert [one["kind"] for one in result["heat_maps"]] == ["bit_flip", "stuck_at_0"]
    files = ["campaign.csv", "campaign.xlsx", "heat_bit_flip.png", "heat_stuck_at_0.png"]
    assert run.files("fault_outputs") == files
    text = (tmp_path / "out" / "fault_outputs" / "campaign.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == result["trials"]
    drops = [float(row["drop"]) for row in rows]
    assert result["worst"][0][result["heads"].index("drop")] == max(drops)


def test_a_campaign_over_rates_draws_curves(tmp_path: Path) -> None:
    asked = {"rates": [0.001, 0.1], "each_bit": False, "target": "activations", "runs": 2}
    run, result = campaign(tmp_path, **asked, layers=["pool", "conv2d"])
    assert {one["node"] for one in result["curves"]} == {"pool", "conv2d"}
    assert "curves.png" in run.files("fault_outputs")
    assert result["heat_maps"] == []


def test_the_worst_single_fault_of_a_campaign_is_confirmed(tmp_path: Path) -> None:
    needs("ghdl")
    _, result = campaign(tmp_path, runs=2, confirm=True)
    told = result["confirmed"]
    assert told["label"] == "verified"
    assert told["trial"] == result["worst"][0][0]


def test_a_campaign_ends_when_its_time_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fault_work, "LONGEST_S", 0.0)
    _, result = campaign(tmp_path, runs=2)
    assert (result["trials"], result["complete"]) == (1, False)


@pytest.mark.parametrize(
    "asked",
    [
        {"target": "bias"},
        {"kinds": ["gamma"]},
        {"layers": ["nothing"]},
        {"layers": ["pool"]},
        {"rates": [1.5]},
        {"hits": 10**9},
        {"runs": 10**9},
        {"runs": 10_000},
    ],
)
def test_a_plan_that_cannot_be_is_refused(tmp_path: Path, asked: dict[str, Any]) -> None:
    with pytest.raises(BadPlan):
        campaign(tmp_path, **asked)
