"""What a child process does for one run: no Django, no network, no path but its own folder.

`python -m fpga_export.work FOLDER PARENT` reads request.json there, and writes the folder out,
result.json or error.json, and progress.json as it goes. It ends when PARENT does.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fpga_export import design_work, fault_work, pack_work
from fpga_export.core.float_run import run_known
from fpga_export.core.graph import FloatGraph, ModelRefused
from fpga_export.core.image_memory import (
    decimal_matrix,
    fitted,
    hex_matrix,
    image_memory,
    picture_of,
    vhdl_name,
)
from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import Network
from fpga_export.core.maps import IntegerMaps, channel_pictures, feature_workbook, mosaic
from fpga_export.core.names import file_stem
from fpga_export.core.pack_report import named
from fpga_export.core.passes import NotForHardware
from fpga_export.core.quantise import codes_of, hardware_prefix, quantise
from fpga_export.core.summary import layer_facts
from fpga_export.core.weight_memory import weight_memories
from fpga_export.netlist_work import past_synthesis
from fpga_export.orphan import end_with
from fpga_export.run_folder import BadRequest, Run, calibration

Floats = NDArray[np.float32]
MOST_CHANNELS: Final = (
    256  # pictures of single channels a layer; the mosaic and the sheets have all
)


def inference(run: Run) -> dict[str, Any]:
    """Every layer's maps as pictures and workbooks, in floats and, where it can be, in integers."""
    graph = run.graph()
    picture = run.pixels(graph)
    run.tell(0.08, "float")
    outputs = run_known(graph, picture)
    run.tell(0.12, "integer")
    network, why = _integer(graph, picture)
    codes = run_integer(network, codes_of(graph, network, picture)) if network else {}
    twins = {node.layers[-1]: node for node in network.nodes} if network else {}
    layers, taken = [], set[str]()
    shown = [one for one in graph.layers if one.kind != "InputLayer" and one.name in outputs]
    for index, layer in enumerate(shown):
        values = outputs[layer.name]
        stem = file_stem(layer.name, taken)
        taken.add(stem)
        node = twins.get(layer.name)
        twin = None
        if node is not None and node.shape[2] * node.shape[0] * node.shape[1] == values.size:
            twin = IntegerMaps(codes[node.name].reshape(_grid(values.shape)), node.format)
        files = {f"{stem}_feature_maps.xlsx": feature_workbook(layer.name, values, twin)}
        files[f"{stem}_mosaic.png"] = mosaic(values)
        if twin is not None:
            files[f"{stem}_mosaic_integer.png"] = mosaic(twin.values)
        if values.ndim == 3:
            pictures = channel_pictures(stem, values)
            files |= dict(list(pictures.items())[:MOST_CHANNELS])
        for name, content in files.items():
            run.write("layer_outputs", name, content)
        layers.append(_told(layer.name, layer.kind, values, twin, stem))
        run.tell(0.15 + 0.83 * (index + 1) / len(shown), layer.name)
    classes = pack_work.classes_of(run)
    return _answer(graph, outputs, layers, network, codes, why, classes)


def _grid(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if len(shape) == 3 else (1, 1, int(np.prod(shape)))


def _integer(graph: FloatGraph, picture: Floats) -> tuple[Network | None, dict[str, str]]:
    """The integer network as far as one can be made, and what stopped it."""
    try:
        last, stopped = hardware_prefix(graph)
        network = quantise(graph, calibration(picture), until=last)
    except (NotForHardware, ValueError) as error:
        layer = error.layer if isinstance(error, NotForHardware) else ""
        return None, {"layer": layer, "reason": str(error)}
    return network, {"layer": stopped.layer, "reason": stopped.reason} if stopped else {}


def _told(
    name: str, kind: str, values: Floats, twin: IntegerMaps | None, stem: str
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": name,
        "type": kind,
        "output_shape": list(values.shape),
        "min": float(values.min()) + 0.0,  # no -0
        "max": float(values.max()),
        "mean": float(values.mean()),
        "zeros": int((values == 0).sum()),
        "mosaic": f"{stem}_mosaic.png",
        "workbook": f"{stem}_feature_maps.xlsx",
    }
    if twin is not None:
        error = np.asarray(twin.values, np.float64).ravel() - values.astype(np.float64).ravel()
        power = float((values.astype(np.float64) ** 2).mean())
        noise = float((error**2).mean())
        facts |= {
            "format": str(twin.format),
            "largest_error": float(np.abs(error).max()),
            "sqnr_db": 10 * float(np.log10(power / noise)) if power and noise else None,
            "mosaic_integer": f"{stem}_mosaic_integer.png",
        }
    return facts


def _answer(
    graph: FloatGraph,
    outputs: Mapping[str, Floats],
    layers: list[dict[str, Any]],
    network: Network | None,
    codes: Mapping[str, NDArray[np.int64]],
    why: Mapping[str, str],
    classes: Sequence[str],
) -> dict[str, Any]:
    chances = _chances(outputs[graph.output]) if graph.output in outputs else np.zeros(0)
    best = int(np.argmax(chances)) if chances.size else None
    integer = int(answers(network, codes)[0]) if network and not why else None
    return {
        "predicted_class": best,
        "predicted_name": named(best, classes),
        "confidence": None if best is None else float(chances[best]),
        "all_probabilities": [float(one) for one in chances],
        "integer_class": integer,
        "integer_name": named(integer, classes),
        "stopped": dict(why),
        "layers": layers,
    }


def _chances(answer: Floats) -> NDArray[np.float64]:
    """Probabilities: the answer itself where it sums to one, else its softmax."""
    last = answer.ravel().astype(np.float64)
    return last if last.min() >= 0 and abs(float(last.sum()) - 1) < 1e-3 else _softmax(last)


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(values - values.max())
    return np.asarray(raised / raised.sum())


def image(run: Run) -> dict[str, Any]:
    """A picture as the memory `Memoria_Imagen`."""
    width, height = int(run.asked["width"]), int(run.asked["height"])
    gray = bool(run.asked.get("gray", True))
    run.tell(0.1, "read")
    if run.asked.get("array") is not None:
        pixels = _picture_array(run.asked["array"])
        pixels = fitted(pixels, width=width, height=height, gray=gray)
    else:
        data = (run.folder / "picture").read_bytes()
        way = "crop" if run.asked.get("way") == "crop" else "resize"
        pixels = picture_of(data, width=width, height=height, gray=gray, way=way)  # type: ignore[arg-type]
    run.tell(0.5, "write")
    session = str(run.asked["session_id"])
    for name, content in image_memory(pixels, session_id=session).items():
        run.write("vhdl_outputs", name, content)
    small = width * height <= 128 * 128
    return {
        "file": vhdl_name(session),
        "width": width,
        "height": height,
        "decimal_matrix": decimal_matrix(pixels) if small else None,
        "hex_matrix": hex_matrix(pixels) if small else None,
    }


def _picture_array(values: Any) -> NDArray[np.uint8]:
    try:
        found = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise BadRequest("bad_array") from error
    if found.ndim not in {2, 3} or not np.isfinite(found).all() or found.size == 0:
        raise BadRequest("bad_array")
    if found.max() <= 1.0:
        found = found * 255
    whole = np.clip(np.floor(found + 0.5), 0, 255).astype(np.uint8)
    return whole[..., 0] if whole.ndim == 3 and whole.shape[2] == 1 else whole


def weights(run: Run) -> dict[str, Any]:
    """Every layer's weights as memories."""
    graph = run.graph()
    run.tell(0.2, "write")
    made = weight_memories(graph, bits=int(run.asked["bits"]))
    for name, content in made.files.items():
        run.write("model_weights_outputs", name, content)
    facts = [
        {
            "layer": one.layer,
            "weight": one.weight,
            "file": one.file,
            "shape": list(one.shape),
            "format": str(one.format),
            "largest_error": one.largest_error,
            "sqnr_db": one.sqnr_db,
            "zeros": one.zeros,
            "zeros_before": one.zeros_before,
        }
        for one in made.facts
    ]
    return {"tensors": facts, "bits": int(run.asked["bits"])}


def synthesised(run: Run) -> dict[str, Any]:
    """A finished design past synthesis; its files were copied into this folder."""
    return past_synthesis(run.folder / "design", tell=run.tell, write=run.write)


def check(run: Run) -> dict[str, Any]:
    """What an uploaded file is: its layers, without their weights."""
    graph = run.graph()
    return {
        "parameters": graph.parameters,
        "macs": graph.macs,
        "input_shape": list(graph.layers[0].shape),
        "output_shape": list(graph.layer(graph.output).shape),
        "layers": [layer_facts(layer) for layer in graph.layers],
    }


def faults(run: Run) -> dict[str, Any]:
    """Layer by layer, with faults in the integer network."""
    graph = run.graph()
    picture = run.pixels(graph)
    return fault_work.inference(run, graph, picture, calibration(picture))


def campaign(run: Run) -> dict[str, Any]:
    """Many faults, one after the other."""
    graph = run.graph()
    pack = pack_work.loaded(run, graph)
    picture = pack_work.picture_of(run, graph, pack)
    return fault_work.many(run, graph, picture, pack_work.calibrating(pack, picture), pack)


KINDS: Final[Mapping[str, Callable[[Run], dict[str, Any]]]] = {
    "check": check,
    "inference": inference,
    "image": image,
    "weights": weights,
    "design": design_work.whole,
    "netlist": synthesised,
    "faults": faults,
    "campaign": campaign,
}


def main(folder: Path) -> int:
    """0 with a result, 3 with a refusal; anything else is a fault."""
    run = Run(folder)
    try:
        result = KINDS[run.asked["kind"]](run)
    except ModelRefused as refusal:
        facts = {"layer": refusal.layer, **refusal.facts}
        return _refuse(folder, refusal.code, {k: v for k, v in facts.items() if v is not None})
    except NotForHardware as refusal:
        return _refuse(
            folder, "not_for_hardware", {"layer": refusal.layer, "reason": refusal.reason}
        )
    except BadRequest as refusal:
        return _refuse(folder, refusal.code, refusal.facts)
    except Exception as error:
        code = getattr(error, "code", None)
        if isinstance(code, str):  # the core's own refusals say what they are
            return _refuse(folder, code, getattr(error, "facts", {}))
        raise
    (folder / "result.json").write_text(json.dumps(result))
    return 0


def _refuse(folder: Path, code: str, facts: Mapping[str, object]) -> int:
    (folder / "error.json").write_text(json.dumps({"code": code, "facts": dict(facts)}))
    return 3


if __name__ == "__main__":
    end_with(int(sys.argv[2]))
    sys.exit(main(Path(sys.argv[1])))
