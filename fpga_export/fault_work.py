"""What a child process does for faults: one run layer by layer, or a campaign of many."""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from fpga_export.confined import Limits
from fpga_export.core.fault_campaign import (
    HEADS,
    HeatMap,
    Plan,
    Trial,
    campaign,
    campaign_csv,
    curves,
    faults_of,
    heat_maps,
    table,
)
from fpga_export.core.fault_config import faults_in, read_config
from fpga_export.core.fault_plots import curves_png, heat_map_png
from fpga_export.core.faults import KINDS, TARGETS, BadFault, Fault, faulty_run
from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.integer_run import answers, run_integer, to_values
from fpga_export.core.ir import Codes, Conv, Depthwise, Network, Node
from fpga_export.core.maps import (
    IntegerMaps,
    channel_pictures,
    feature_workbook,
    limits_of,
    mosaic,
)
from fpga_export.core.names import file_stem
from fpga_export.core.pack_report import named, share
from fpga_export.core.quantise import codes_of, quantise
from fpga_export.core.vhdl.cycles import predict
from fpga_export.core.vhdl.faulty import faulty_design
from fpga_export.core.workbook import Bold, Sheet, workbook

MOST_CHANNELS: Final = 256  # pictures of single channels a layer
MOST_CYCLES: Final = 1_000_000  # of a faulted core that is simulated
MOST_VALUES: Final = 20_000_000  # codes of all pictures of a campaign together
MOST_PICTURES: Final = 32
MOST_OF_A_PACK: Final = 500
MOST_TRIALS: Final = 50_000
LONGEST_S: Final = 200.0
TELL_S: Final = 0.3
SHOWN_TRIALS: Final = 20
LANES: Final = 4


class Folder(Protocol):
    """The run that a child does."""

    folder: Path
    asked: dict[str, Any]

    def tell(self, progress: float, step: str) -> None: ...
    def write(self, folder: str, name: str, content: str | bytes) -> None: ...


class Pictures(Protocol):
    """A pack as the network wants it."""

    @property
    def pictures(self) -> list[Floats]: ...
    @property
    def labels(self) -> NDArray[np.int64] | None: ...


def inference(
    run: Folder, graph: FloatGraph, picture: Floats, calibration: Sequence[Floats]
) -> dict[str, Any]:
    """Every layer's maps with the faults in, beside those of the healthy integer network.

    Raises `NotForHardware` where no core can hold the whole network, and `BadFaultConfig`.
    """
    config = read_config(run.asked.get("fault_config") or {})
    run.tell(0.05, "integer")
    network = quantise(graph, calibration)
    faults = faults_in(config, network)
    codes = codes_of(graph, network, picture)
    healthy = run_integer(network, codes[None])
    found = faulty_run(network, healthy, faults, config.seed)
    layers, taken = [], set[str]()
    for index, node in enumerate(network.nodes[1:], start=1):
        shown = _shown(graph, node)
        stem = file_stem(shown, taken)
        taken.add(stem)
        before, now = healthy[node.name][0], found.stored[node.name][0]
        for name, content in _maps(node, shown, before, now, stem).items():
            run.write("layer_outputs", name, content)
        layers.append(_told(graph, node, shown, before, now, stem))
        run.tell(0.1 + 0.7 * index / len(network.nodes), node.name)
    first, last = int(answers(network, healthy)[0]), int(answers(network, found.stored)[0])
    chances = _chances(network, found.stored)
    injection = config.as_json() | {
        "healthy_class": first,
        "healthy_name": named(first, run.asked.get("classes") or ()),
        "changed_class": first != last,
    }
    if run.asked.get("confirm") and faults:
        run.tell(0.85, "simulate")
        injection["confirmed"] = confirmed(run, network, faults, config.seed, codes)
    return {
        "predicted_class": last,
        "predicted_name": named(last, run.asked.get("classes") or ()),
        "confidence": chances[last],
        "all_probabilities": chances,
        "integer_class": last,
        "stopped": {},
        "layers": layers,
        "fault_injection": injection,
    }


def _shown(graph: FloatGraph, node: Node) -> str:
    """The last layer whose output the node's codes are: a softmax is left to the reader."""
    ends = {layer.name for layer in graph.layers if layer.kind == "Softmax"}
    kept = [name for name in node.layers if name not in ends]
    return (kept or node.layers)[-1]


def _maps(node: Node, shown: str, before: Codes, now: Codes, stem: str) -> dict[str, str | bytes]:
    """Both networks' maps in the same colours; the workbook's errors are what the faults did."""
    meant, kept = to_values(before, node.format), to_values(now, node.format)
    limits = limits_of(meant)
    book = feature_workbook(shown, meant, IntegerMaps(now, node.format))
    files: dict[str, str | bytes] = {f"{stem}_feature_maps.xlsx": book}
    files[f"{stem}_mosaic.png"] = mosaic(meant, limits)
    files[f"{stem}_mosaic_integer.png"] = mosaic(kept, limits)
    if node.shape[:2] != (1, 1):
        pictures = channel_pictures(stem, kept[:, :, :MOST_CHANNELS], _cut(limits))
        files |= pictures
    return files


def _cut(limits: tuple[NDArray[Any], NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    return limits[0][:MOST_CHANNELS], limits[1][:MOST_CHANNELS]


def _told(
    graph: FloatGraph, node: Node, shown: str, before: Codes, now: Codes, stem: str
) -> dict[str, Any]:
    meant, kept = to_values(before, node.format), to_values(now, node.format)
    names = [layer.name for layer in graph.layers]
    kind = graph.layer(shown).kind if shown in names else "DepthwiseConv2D"
    return {
        "name": shown,
        "type": kind,
        "output_shape": list(node.shape),
        "min": float(kept.min()),
        "max": float(kept.max()),
        "mean": float(kept.mean()),
        "zeros": int((now == 0).sum()),
        "mosaic": f"{stem}_mosaic.png",
        "workbook": f"{stem}_feature_maps.xlsx",
        "format": str(node.format),
        "largest_error": float(np.abs(meant - kept).max()),
        "sqnr_db": None,
        "changed": int((before != now).sum()),
        "mosaic_integer": f"{stem}_mosaic_integer.png",
    }


def _chances(network: Network, outputs: Mapping[str, Codes]) -> list[float]:
    """Probabilities by softmax of the answer's values."""
    values = to_values(outputs[network.answer][0], network.node(network.answer).format).ravel()
    raised = np.exp(values - values.max())
    return [float(one) for one in raised / raised.sum()]


def confirmed(
    run: Folder, network: Network, faults: Sequence[Fault], seed: int, codes: Codes
) -> dict[str, Any]:
    """Simulate the core with the faults in. Only what the simulation confirms stays on the disk."""
    from fpga_export import simulators  # it starts programs

    if sum(predict(network, lanes=LANES).values()) > MOST_CYCLES:
        return {"label": "not_simulated", "reason": "limits"}
    files = faulty_design(
        network,
        faults,
        seed,
        lanes=LANES,
        picture=codes,
        name=network.name,
        library=simulators.library(),
    )
    folder = run.folder / "out" / "hdl_designs"
    simulators.write(files, folder)
    verdict = simulators.simulate(folder, limits=Limits(own_group=False))
    shutil.rmtree(folder / simulators.BUILD, ignore_errors=True)
    if not verdict.offered:
        shutil.rmtree(folder)
    else:
        run.write("hdl_designs", "verdict.json", json.dumps(verdict.as_json(), indent=1))
    return {"label": verdict.label, "values": verdict.values, "tool": verdict.tool}


def many(
    run: Folder,
    graph: FloatGraph,
    picture: Floats,
    calibration: Sequence[Floats],
    pack: Pictures | None = None,
) -> dict[str, Any]:
    """A campaign on a pack, else on the picture and versions of it: tables, plots, and the worst
    one confirmed.
    """
    run.tell(0.05, "integer")
    network = quantise(graph, calibration)
    plan = plan_of(run.asked, network)
    total = len(faults_of(network, plan))
    if total > MOST_TRIALS:
        raise BadPlan("too_many_trials", trials=total, limit=MOST_TRIALS)
    codes, labels = _shown_to(graph, network, picture, pack)
    trials = _timed(run, campaign(network, codes, plan, labels), total)
    maps, found = heat_maps(trials), curves(trials)
    worst = sorted(trials, key=lambda one: (-one.drop, -one.changed_outputs, one.number))
    _write(run, trials, maps, found)
    result: dict[str, Any] = {
        "plan": asdict(plan),
        "pictures": len(codes),
        "pack": pack is not None,
        "labelled": labels is not None,
        "accuracy": _accuracy(network, codes, labels),
        "trials": len(trials),
        "planned": total,
        "complete": len(trials) == total,
        "mean_drop": float(np.mean([one.drop for one in trials])),
        "heat_maps": [asdict(one) for one in maps],
        "curves": [asdict(one) for one in found],
        "heads": list(HEADS),
        "worst": [list(row) for row in table(worst[:SHOWN_TRIALS])],
    }
    if run.asked.get("confirm") and worst:
        run.tell(0.92, "simulate")
        result["confirmed"] = {"trial": worst[0].number} | confirmed(
            run, network, [worst[0].fault], worst[0].seed, codes[0]
        )
    return {"campaign": result}


class BadPlan(Exception):
    """The campaign cannot be run as it was asked for."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        self.facts = facts
        super().__init__(code)


def plan_of(asked: Mapping[str, Any], network: Network) -> Plan:
    """The plan in a request, on all layers that it can hit where it names none.

    Raises `BadPlan`.
    """
    target = asked.get("target", "weights")
    kinds = tuple(asked.get("kinds") or ("bit_flip",))
    if target not in TARGETS or not set(kinds) <= set(KINDS):
        raise BadPlan("bad_plan")
    weighted = [node for node in network.nodes if isinstance(node.operation, (Conv, Depthwise))]
    able = weighted if target == "weights" else list(network.nodes)
    wanted = asked.get("layers") or []
    nodes = [node.name for node in able if not wanted or {*node.layers, node.name} & set(wanted)]
    if not nodes:
        raise BadPlan("bad_plan")
    plan = Plan(
        tuple(nodes),
        kinds,
        target,
        rates=tuple(float(rate) for rate in asked.get("rates") or ()),
        hits=int(asked.get("hits", 1)),
        each_bit=bool(asked.get("each_bit", True)),
        runs=int(asked.get("runs", 10)),
        seed=int(asked.get("seed", 0)),
    )
    # An upper bound first: the list of all trials is made in memory.
    most = (16 if plan.each_bit else 1) * len(nodes) * len(kinds) * max(len(plan.rates), 1)
    if most * plan.runs > 20 * MOST_TRIALS:
        raise BadPlan("too_many_trials", trials=most * plan.runs, limit=MOST_TRIALS)
    try:
        faults_of(network, replace(plan, runs=1))
    except (BadFault, ValueError) as error:
        raise BadPlan("bad_plan") from error
    return plan


def _shown_to(
    graph: FloatGraph, network: Network, picture: Floats, pack: Pictures | None
) -> tuple[Codes, list[int] | None]:
    """The codes of the pictures, and their classes where those are known."""
    if pack is None:
        return _versions(codes_of(graph, network, picture), network), None
    values = sum(int(np.prod(node.shape)) for node in network.nodes)
    some = pack.pictures[: max(1, min(MOST_OF_A_PACK, MOST_VALUES // values))]
    codes = np.stack([codes_of(graph, network, one) for one in some])
    return codes, None if pack.labels is None else pack.labels[: len(some)].tolist()


def _accuracy(network: Network, codes: Codes, labels: list[int] | None) -> dict[str, Any] | None:
    """The healthy network's, from which a trial's drop is counted."""
    if labels is None:
        return None
    return share(answers(network, run_integer(network, codes)) == np.array(labels))


def _versions(codes: Codes, network: Network) -> Codes:
    """The picture and noisy, darker and mirrored ones: as many as memory allows."""
    values = sum(int(np.prod(node.shape)) for node in network.nodes)
    count = max(1, min(MOST_PICTURES, MOST_VALUES // values))
    form, rng = network.nodes[0].format, np.random.default_rng(0)
    found = [codes]
    while len(found) < count:
        turned = codes[:, ::-1] if len(found) % 2 else codes
        noise = rng.normal(0, 0.05 * form.high, codes.shape)
        scaled = turned * rng.uniform(0.5, 1.0) + noise
        found.append(np.clip(np.rint(scaled), form.low, form.high).astype(np.int64))
    return np.stack(found)


def _timed(run: Folder, trials: Any, total: int) -> list[Trial]:
    """The trials as far as there is time, telling how far they are."""
    started = told = time.monotonic()
    found: list[Trial] = []
    for trial in trials:
        found.append(trial)
        now = time.monotonic()
        if now - told > TELL_S:
            told = now
            run.tell(0.1 + 0.75 * len(found) / total, f"{trial.fault.node} {len(found)}/{total}")
        if now - started > LONGEST_S:
            break
    return found


def _write(
    run: Folder, trials: Sequence[Trial], maps: Sequence[HeatMap], found: Sequence[Any]
) -> None:
    folder = "fault_outputs"
    run.write(folder, "campaign.csv", campaign_csv(trials))
    sheets = [Sheet("trials", [Bold(HEADS), *table(trials)])]
    for one in maps:
        rows = [(node, *drops) for node, drops in zip(one.nodes, one.mean, strict=True)]
        sheets.append(Sheet(f"heat {one.kind}", [Bold(("node", *map(str, one.bits))), *rows]))
        title = f"{one.kind}, %"
        run.write(folder, f"heat_{one.kind}.png", heat_map_png(one, title=title, bit_label="bit"))
    run.write(folder, "campaign.xlsx", workbook(sheets))
    if found:
        target = trials[0].fault.target
        picture = curves_png(found, title=target, rate_label="fault_rate", drop_label="%")
        run.write(folder, "curves.png", picture)
