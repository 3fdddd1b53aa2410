"""Weights to codes such that the sums, not the weights, come close to floating point.

One row of weights is rounded after another, and what a rounding loses is made up for by those that
are still to come: where two inputs say nearly the same, as neighbours in a picture do, the second
takes over the error of the first. The inputs' covariance says how much. Source: Frantar and others,
GPTQ, arXiv 2210.17323, after Hassibi and Stork's Optimal Brain Surgeon (1993).
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.integer_run import windows_of
from fpga_export.core.ir import Codes, Format, Shape, Window

MOST_ROWS: Final = 40_000
MOST_INPUTS: Final = 1536  # of a sum; above that each weight is rounded by itself
PRODUCTS: Final = 4e9  # of a covariance
DAMPING: Final = 0.01  # of the mean variance: what was hardly seen is not free to move
FEW: Final = 1e-9

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a layer reads: (rows, weights of a sum); of a depthwise one the channels in front."""

    codes: Numbers
    exact: Numbers  # what floating point has there, in the same unit


def seen(
    codes: Codes,
    exact: NDArray[np.floating[Any]],
    form: Format,
    window: Window,
    shape: Shape,
    *,
    depthwise: bool,
) -> Seen:
    """The windows of (N, H, W, C), or a part of them where they are many; `exact` in values."""
    views = [windows_of(one, window, shape, fill=0) for one in (codes, exact)]
    places = int(np.prod(views[0].shape[:3]))
    taps = int(np.prod(views[0].shape[3:5])) * (1 if depthwise else codes.shape[3])
    most = max(2 * taps, int(PRODUCTS / taps**2 / (codes.shape[3] if depthwise else 1)))
    chosen = np.random.default_rng(0).permutation(places)[: min(most, MOST_ROWS)]
    at = np.unravel_index(np.sort(chosen), views[0].shape[:3])
    parts = [np.asarray(view[at], np.float64) for view in views]
    if depthwise:
        parts = [
            np.moveaxis(part, 3, 0).reshape(codes.shape[3], len(chosen), taps) for part in parts
        ]
    else:
        parts = [part.reshape(len(chosen), taps) for part in parts]
    return Seen(parts[0], parts[1] * form.scale)


def rounded_weights(weights: Numbers, found: Seen, form: Format) -> Codes:
    """Codes of `weights` (inputs, outputs), in units of a code; for a depthwise layer both have
    the channels in front."""
    if weights.ndim == 3:
        pairs = zip(weights, found.codes, strict=True)
        return np.stack([_fed_back(own, read, form) for own, read in pairs])
    return _fed_back(weights, found.codes, form)


def shifted_mean(weights: Numbers, codes: Codes, found: Seen) -> Numbers:
    """By how much the mean sum of each output is too small: what its bias is to add."""
    before = found.exact.mean(axis=-2)[..., None, :] @ weights
    now = found.codes.mean(axis=-2)[..., None, :] @ codes
    return np.asarray((before - now).ravel())


def _fed_back(weights: Numbers, read: Numbers, form: Format) -> Codes:
    inputs = len(weights)
    if inputs > MOST_INPUTS:
        return _nearest(weights, form)
    apart = read - read.mean(axis=0)
    spread = apart.T @ apart / max(len(read), 1)
    spread += np.eye(inputs) * (DAMPING * float(np.trace(spread)) / inputs + FEW)
    order = np.argsort(-np.diag(spread), kind="stable")
    upper = np.linalg.cholesky(np.linalg.inv(spread[np.ix_(order, order)])).T
    left, codes = weights[order].copy(), np.empty(weights.shape, np.int64)
    for row in range(inputs):
        codes[order[row]] = _nearest(left[row], form)
        lost = (left[row] - codes[order[row]]) / upper[row, row]
        left[row + 1 :] -= np.outer(upper[row, row + 1 :], lost)
    return codes


def _nearest(values: Numbers, form: Format) -> Codes:
    return np.clip(np.floor(values + 0.5), form.low, form.high).astype(np.int64)
