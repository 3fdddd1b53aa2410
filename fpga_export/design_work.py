"""A whole network as a core of either preset, simulated before anybody gets it: in a child."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from fpga_export import pack_work, simulators
from fpga_export.confined import Limits
from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import Codes, Network
from fpga_export.core.precision import AUTO, LEAST, chosen_bits
from fpga_export.core.quantise import codes_of, hardware_prefix, quantise
from fpga_export.core.report import report
from fpga_export.core.report_workbook import report_workbook
from fpga_export.core.vhdl.budget import Plan, plan, plan_stream
from fpga_export.core.vhdl.design import LIBRARY, design
from fpga_export.core.vhdl.figures import Figures, figures
from fpga_export.core.vhdl.stream import STREAM_LIBRARY
from fpga_export.core.vhdl.stream_design import stream_design
from fpga_export.run_folder import BadRequest, Run, calibration
from fpga_export.simulators import Label, Verdict

# Seconds of GHDL, half of which is planned for: then the layers end. All of a stream work at once.
SIMULATED_S: Final = {"compact": 20.0, "stream": 60.0}


@dataclass(frozen=True, slots=True)
class Preset:
    """How a core of that kind is planned and written."""

    plan: Callable[..., Plan]
    design: Callable[..., dict[str, str]]
    library: Sequence[str]


PRESETS: Final[Mapping[str, Preset]] = {
    "compact": Preset(plan, design, LIBRARY),
    "stream": Preset(plan_stream, stream_design, STREAM_LIBRARY),
}


def whole(run: Run) -> dict[str, Any]:
    """The network as a core, simulated before anybody gets it."""
    graph = run.graph()
    pack = pack_work.loaded(run, graph)
    picture = pack_work.picture_of(run, graph, pack)
    lanes, bits = int(run.asked.get("lanes", 4)), run.asked.get("bits", 8)
    preset = str(run.asked.get("preset", "compact"))
    run.tell(0.1, "quantise")
    last, stopped = hardware_prefix(graph)
    network = _quantised(graph, pack_work.calibrating(pack, picture), bits, until=last)
    run.tell(0.2, "write")
    predicted = figures(network, preset=preset, lanes=lanes)
    pictures = [codes_of(graph, network, one) for one in calibration(picture)]
    verdict = _simulated(run, graph, network, pictures, preset=preset, lanes=lanes)
    told = verdict.as_json()
    run.write("hdl_designs", "verdict.json", json.dumps(told, indent=1))
    run.tell(0.9, "report")
    more = pack_work.more(run, graph, network, picture, pack)
    found = report(
        graph,
        network,
        calibration(picture),
        lanes=lanes,
        figures=predicted,
        verdict=told,
        more=more,
    )
    run.write("hdl_designs", "report.json", json.dumps(found, indent=1))
    run.write("hdl_designs", "report.xlsx", report_workbook(found))
    return {
        "label": verdict.label,
        "through": verdict.through,
        "stopped": {"layer": stopped.layer, "reason": stopped.reason} if stopped else {},
        "lanes": lanes,
        "bits": bits,
        **_speed(predicted),
        "integer_class": int(answers(network, run_integer(network, pictures[0]))[0]),
        "verdict": told,
        **{key: found["picture"][key] for key in ("float_class", "float_name", "integer_name")},
        "report": {key: found[key] for key in ("network", "agreement", "layers", "pack")},
        "nodes": _nodes(network, predicted, verdict),
    }


def _quantised(
    graph: FloatGraph, pictures: Sequence[Floats], bits: int | str, *, until: str
) -> Network:
    """With so many bits everywhere, or as many as each layer needs (`AUTO`)."""
    if bits == AUTO:
        each = chosen_bits(graph, pictures, until=until)
        return quantise(graph, pictures, per_layer=each, until=until)
    wide = int(bits)
    return quantise(
        graph, pictures, weight_bits=wide, activation_bits=max(wide, LEAST), until=until
    )


def _simulated(
    run: Run,
    graph: FloatGraph,
    network: Network,
    pictures: Sequence[Codes],
    *,
    preset: str,
    lanes: int,
) -> Verdict:
    """Write the core and simulate what there is time for. Raises `BadRequest` where it differs."""
    chosen = PRESETS[preset]
    planned = chosen.plan(network, lanes=lanes, cpu_seconds=SIMULATED_S[preset])
    files = chosen.design(
        network,
        lanes=lanes,
        pictures=pictures[: planned.pictures],
        name=graph.name,
        library=simulators.library(chosen.library),
    )
    folder = run.folder / "out" / "hdl_designs"
    simulators.write(files, folder)
    run.tell(0.3, "simulate")
    verdict = simulators.simulate(folder, through=planned.through, limits=Limits(own_group=False))
    _sweep_build(folder)
    if not verdict.offered:
        raise BadRequest("mismatch", log=verdict.log[-2000:])
    return _of_the_network(verdict, graph, network)


def _speed(predicted: Figures) -> dict[str, Any]:
    return {
        "preset": predicted.preset,
        "cycles": predicted.each,
        "first_cycles": predicted.first,
        "multipliers": sum(predicted.multipliers.values()),
    }


def _nodes(network: Network, predicted: Figures, verdict: Verdict) -> list[dict[str, Any]]:
    simulated = {one.name: one.cycles for one in verdict.layers}
    return [
        {
            "name": node.name,
            "layers": list(node.layers),
            "shape": list(node.shape),
            "format": str(node.format),
            "lanes": predicted.multipliers.get(node.name, 0),
            "cycles": predicted.cycles.get(node.name, 0),
            "simulated_cycles": simulated.get(node.name),
            "rom_bits": predicted.costs[node.name].rom_bits,
            "ram_bits": predicted.costs[node.name].ram_bits,
        }
        for node in network.nodes
    ]


def _of_the_network(verdict: Verdict, graph: FloatGraph, network: Network) -> Verdict:
    """A core that ends before the network does proves no more than the layers that it holds."""
    if network.nodes[-1].layers[-1] == graph.output:
        return verdict
    held = {name for node in network.nodes for name in node.layers}
    rest = [layer.name for layer in graph.layers if layer.name not in held]
    label: Label = "verified_through" if verdict.label == "verified" else verdict.label
    return replace(verdict, label=label, not_simulated=(*verdict.not_simulated, *rest))


def _sweep_build(folder: Path) -> None:
    shutil.rmtree(folder / "build", ignore_errors=True)
