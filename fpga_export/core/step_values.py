"""What the float network has where the integer network has a step: for calibration and reports."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.float_run import CannotRun, run_float
from fpga_export.core.graph import FloatGraph, Floats
from fpga_export.core.kinds import activation_of
from fpga_export.core.passes import DEPTHWISE, Step


def until_layer(graph: FloatGraph, last: str) -> FloatGraph:
    names = [layer.name for layer in graph.layers]
    return replace(graph, layers=graph.layers[: names.index(last) + 1])


def float_values(
    graph: FloatGraph, steps: Sequence[Step], pictures: Sequence[Floats]
) -> dict[str, Floats]:
    """A sample of the values of each step, as the float network has them."""
    outputs = _outputs(graph, np.stack([np.asarray(one, np.float32) for one in pictures]))
    found: dict[str, Floats] = {}
    for step in steps:
        name = _before_softmax(graph, step)
        values = outputs[name] if name in outputs else _recomputed(step, found)
        found[step.name] = values.reshape(len(pictures), *step.shape)
    return found


def _outputs(graph: FloatGraph, batch: Floats) -> dict[str, Floats]:
    try:
        return run_float(graph, batch)
    except CannotRun as error:
        names = [layer.name for layer in graph.layers]
        return run_float(until_layer(graph, names[max(names.index(error.layer) - 1, 0)]), batch)


def _before_softmax(graph: FloatGraph, step: Step) -> str | None:
    """The layer that answers what the step computes; None where none says it before a softmax."""
    if step.layers[-1].endswith(DEPTHWISE):
        return None
    last = graph.layer(step.layers[-1])
    if last.kind == "Softmax" or (
        last.kind == "Activation" and activation_of(last.config) == "softmax"
    ):
        return step.layers[-2] if len(step.layers) > 1 else None
    return None if activation_of(last.config) == "softmax" else last.name


def _recomputed(step: Step, found: Mapping[str, Floats]) -> Floats:
    """The values of a step that is no whole Keras layer: before a softmax, or half a separable."""
    assert step.weights is not None or step.kind in {"pad", "reshape", "add"}
    inputs = [found[name].astype(np.float64) for name in step.inputs]
    if step.kind == "add":
        return np.asarray(sum(inputs[1:], start=inputs[0]), np.float32)
    if step.kind == "pad":
        top, bottom, left, right = step.padding
        around = ((0, 0), (top, bottom), (left, right), (0, 0))
        return np.asarray(np.pad(inputs[0], around), np.float32)
    if step.kind == "reshape":
        return np.asarray(inputs[0], np.float32)
    return _product(step, inputs[0])


def _product(step: Step, x: NDArray[np.float64]) -> Floats:
    assert step.window is not None
    assert step.weights is not None
    assert step.bias is not None
    top, bottom, left, right = step.window.padding
    wide = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    (high, broad), (down, across) = step.window.kernel, step.window.stride
    spread, reach = step.window.dilation
    span = ((high - 1) * spread + 1, (broad - 1) * reach + 1)
    views = np.lib.stride_tricks.sliding_window_view(wide, span, axis=(1, 2))
    views = np.moveaxis(views[:, ::down, ::across, :, ::spread, ::reach], 3, 5)
    if step.kind == "conv":
        return np.asarray(np.tensordot(views, step.weights, axes=3) + step.bias, np.float32)
    sums = np.einsum("nyxijc,ijcm->nyxcm", views, step.weights)
    return np.asarray(sums.reshape(*sums.shape[:3], -1) + step.bias, np.float32)
