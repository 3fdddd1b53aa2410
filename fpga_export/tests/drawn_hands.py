"""Hands drawn from a seed: nobody's, and still such that the letter network tells many apart."""

import numpy as np
from numpy.typing import NDArray

SIDE = 32
FINE = 3  # subpixels a side


def drawn_hand(seed: int) -> NDArray[np.uint8]:
    """(32, 32, 1): a palm with up to five fingers, long or bent, before a shaded wall."""
    rng = np.random.default_rng(seed)
    grid = (np.arange(SIDE * FINE) + 0.5) / FINE
    y, x = np.meshgrid(grid, grid, indexing="ij")
    slope = rng.uniform(-2.5, 2.5, 2)
    wall = rng.uniform(20, 230) + slope[0] * (x - 16) + slope[1] * (y - 16)
    middle = np.array([rng.uniform(13, 19), rng.uniform(18, 23)])
    size = rng.uniform(5, 7.5)
    hand = _disc(x, y, middle, size)
    light = np.where(hand, 1 - 0.02 * np.hypot(x - middle[0], y - middle[1]), 0.0)
    turn = rng.uniform(-0.35, 0.35)
    for finger in range(5):
        angle = turn + (finger - 2) * rng.uniform(0.25, 0.42)
        length = rng.choice([0.0, rng.uniform(3, 6), rng.uniform(8, 13)])
        if length:
            way = np.array([np.sin(angle), -np.cos(angle)])
            start = middle + way * size * 0.8
            thick = rng.uniform(1.1, 1.9)
            mask = _bar(x, y, start, start + way * length, thick)
            light = np.where(mask, rng.uniform(0.75, 1.0), light)
            hand |= mask
    skin = rng.uniform(60, 245)
    image = np.where(hand, skin * light, wall) + rng.normal(0, rng.uniform(0, 6), x.shape)
    small = image.reshape(SIDE, FINE, SIDE, FINE).mean(axis=(1, 3))
    return np.asarray(np.clip(np.rint(small), 0, 255), np.uint8)[..., None]


def _disc(
    x: NDArray[np.float64], y: NDArray[np.float64], middle: NDArray[np.float64], size: float
) -> NDArray[np.bool_]:
    return np.asarray(np.hypot(x - middle[0], y - middle[1]) < size)


def _bar(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    thick: float,
) -> NDArray[np.bool_]:
    """Points nearer to the stretch from `start` to `end` than `thick`."""
    way = end - start
    along = ((x - start[0]) * way[0] + (y - start[1]) * way[1]) / float(way @ way)
    along = np.clip(along, 0, 1)
    return np.asarray(
        np.hypot(x - start[0] - along * way[0], y - start[1] - along * way[1]) < thick
    )
