"""Makes each hand look as if another person had shown it to another camera in another room."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from predictions.training.letters.packs import SIDE, SOURCES, Hands

EXCHANGE: Final = {"massey": 0.93, "keptsecret": 0.4}  # how often the background goes
EXCHANGE_ELSE: Final = 0.7
ROOMS: Final = 300  # backgrounds taken from the photos themselves

Image = NDArray[np.uint8]  # (96, 96, 3) RGB


@dataclass(frozen=True, slots=True)
class Studio:
    """What hands are put in front of."""

    rooms: NDArray[np.uint8]  # (m, 96, 96, 3), the hands painted over; m may be 0


def furnish(hands: Hands, *, seed: int = 0) -> Studio:
    """The rooms behind some of `hands`: where a hand was found, it is painted over."""
    rng = np.random.default_rng(seed)
    share = hands.masks.mean(axis=(1, 2)) / 255
    black = hands.sources == SOURCES.index("massey")
    usable = rng.permutation(np.flatnonzero((share < 0.4) & ~black))[:ROOMS]
    rooms = np.empty((len(usable), SIDE, SIDE, 3), np.uint8)
    for place, row in enumerate(usable):
        hole = cv2.dilate(hands.masks[row], np.ones((7, 7), np.uint8))
        rooms[place] = cv2.inpaint(hands.images[row], hole, 3, cv2.INPAINT_TELEA)
    return Studio(rooms)


def augment(
    hands: Hands,
    rows: NDArray[np.int64],
    studio: Studio,
    rng: np.random.Generator,
    *,
    plain: float = 0.0,
) -> NDArray[np.uint8]:
    """Distorted copies of `rows`, (n, 96, 96, 3), each drawn from `rng` alone.

    `plain`: how often one is only mirrored or not. The others are spoilt from hardly to badly,
    as a strength of 0..1 says.
    """
    out = np.empty((len(rows), SIDE, SIDE, 3), np.uint8)
    for place, row in enumerate(rows):
        if rng.random() < plain:
            out[place] = hands.images[row][:, :: int(rng.choice([-1, 1]))]
            continue
        source = SOURCES[hands.sources[row]]
        found = not hands.masks[row].all()
        exchange = found and rng.random() < EXCHANGE.get(source, EXCHANGE_ELSE)
        strength = rng.random()
        image, mask = _move(hands.images[row], hands.masks[row], rng, strength, exchange=exchange)
        if exchange:
            behind = _background(studio, rng)
            image = _put_before(_relight(image, rng, strength), mask, behind, rng)
        image = _occlude(_relight(image, rng, strength), studio, rng, strength)
        out[place] = _spoil(image, rng, strength)
    return out


def _move(
    image: Image,
    mask: NDArray[np.uint8],
    rng: np.random.Generator,
    strength: float,
    *,
    exchange: bool,
) -> tuple[Image, NDArray[np.uint8]]:
    """Mirror, turn, zoom, stretch, tilt, shift and bend; edges are repeated."""
    most = 0.35 + 0.65 * strength
    angle = np.radians(rng.uniform(-25, 25)) * most
    zoom = np.exp((rng.uniform(-0.55, 0.25) if exchange else rng.uniform(-0.25, 0.4)) * most)
    stretch = np.exp(rng.uniform(-0.2, 0.2)) ** most
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    back = np.eye(3)  # from places in the result to places in the photo, both -1..1
    back[:2, :2] = [[cos * stretch * mirror, -sin * mirror], [sin, cos / stretch]]
    back[:2, 2] = rng.uniform(-0.25, 0.25, 2) * most * (1 if exchange else 0.6)
    back[2, :2] = rng.uniform(-0.15, 0.15, 2) * strength
    x, y, w = np.tensordot(back, _PLACES, 1)
    bent = rng.normal(0, 0.035 * strength, (4, 4, 2))
    bend = cv2.resize(bent, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    middle = (SIDE - 1) / 2
    xs = ((x / w + bend[..., 0] + 1) * middle).astype(np.float32)
    ys = ((y / w + bend[..., 1] + 1) * middle).astype(np.float32)
    moved = cv2.remap(image, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if not exchange:
        return np.asarray(moved, np.uint8), mask
    return np.asarray(moved, np.uint8), np.asarray(
        cv2.remap(mask, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8
    )


def _put_before(
    image: Image, mask: NDArray[np.uint8], behind: Image, rng: np.random.Generator
) -> Image:
    soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.4, 1.0))[..., None].astype(np.uint16)
    blend = image * soft + behind * (255 - soft)
    return np.asarray(blend // 255, np.uint8)


def _background(studio: Studio, rng: np.random.Generator) -> Image:
    """A room, a blurred room, coloured clouds, a flat wall with a shade, or black."""
    kind = rng.random()
    if kind < 0.45 and len(studio.rooms):
        room = studio.rooms[rng.integers(len(studio.rooms))]
        left, top = rng.integers(0, SIDE // 2, 2)
        side = int(rng.integers(SIDE // 3, SIDE - max(left, top) + 1))
        part = cv2.resize(room[top : top + side, left : left + side], (SIDE, SIDE))
        turned = np.rot90(part, int(rng.integers(4)))[:, :: int(rng.choice([-1, 1]))]
        return _relight(np.ascontiguousarray(turned), rng, 1.0)
    if kind < 0.75:
        grain = int(rng.choice([2, 4, 8, 16, 32]))
        clouds = rng.uniform(0, 255, 3) + rng.normal(0, rng.uniform(5, 60), (grain, grain, 3))
        if rng.random() < 0.4:
            clouds = clouds.mean(axis=2, keepdims=True).repeat(3, axis=2)
        how = cv2.INTER_CUBIC if rng.random() < 0.7 else cv2.INTER_NEAREST
        wide = cv2.resize(clouds, (SIDE, SIDE), interpolation=how)
        return _with_shapes(np.clip(wide, 0, 255).astype(np.uint8), rng)
    if kind < 0.93:
        bright = rng.uniform(20, 255)
        colour = bright + rng.normal(0, 12, 3)
        slope = np.tensordot(rng.normal(0, 0.2, 2), _PLACES[:2], 1)[..., None]
        wall = np.clip(colour * (1 + slope), 0, 255).astype(np.uint8)
        return _with_shapes(wall, rng) if rng.random() < 0.5 else wall
    return np.full((SIDE, SIDE, 3), rng.integers(0, 40), np.uint8)


def _with_shapes(image: Image, rng: np.random.Generator) -> Image:
    """A few boxes, bars and discs: furniture, screens, a face behind the hand."""
    drawn = np.ascontiguousarray(image)
    for _ in range(int(rng.integers(0, 5))):
        colour = rng.integers(0, 256, 3).tolist()
        start, end = rng.integers(-20, SIDE + 20, (2, 2)).tolist()
        kind = rng.random()
        if kind < 0.4:
            cv2.rectangle(drawn, start, end, colour, -1)
        elif kind < 0.7:
            cv2.line(drawn, start, end, colour, int(rng.integers(1, 9)))
        else:
            skin = (rng.uniform(90, 255) * np.array([1, 0.75, 0.62])).tolist()
            cv2.circle(drawn, start, int(rng.integers(5, 40)), skin, -1)
    return drawn


def _relight(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Gamma, contrast, brightness and a cast of colour; hue, gray, and light from one side."""
    gamma = np.exp((rng.normal(0, 0.3) + rng.normal(0, 0.08, 3)) * strength)[:, None]
    contrast = np.exp(rng.normal(0, 0.25) * strength)
    bright = (rng.normal(0, 0.1) + rng.normal(0, 0.04, 3)) * strength
    dark = np.exp(-abs(rng.normal(0, 0.6))) if rng.random() < 0.2 * strength else 1.0
    curve = (((np.arange(256) / 255) ** gamma - 0.5) * contrast + 0.5 + bright[:, None]) * dark
    table = np.clip(curve * 255, 0, 255).astype(np.uint8)
    lit = cv2.LUT(image, np.ascontiguousarray(table.T[None]))
    if rng.random() < 0.4 * strength:
        colours = cv2.cvtColor(lit, cv2.COLOR_RGB2HSV)
        colours[..., 0] = (colours[..., 0].astype(np.int16) + int(rng.normal(0, 9))) % 180
        colours[..., 1] = cv2.LUT(colours[..., 1], _gain(rng.uniform(0.3, 1.6)))
        lit = cv2.cvtColor(colours, cv2.COLOR_HSV2RGB)
    if rng.random() < 0.2 * strength:
        lit = cv2.cvtColor(cv2.cvtColor(lit, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.4 * strength:
        light = np.exp(np.tensordot(rng.normal(0, 0.35, 2), _PLACES[:2], 1))[..., None]
        lit = np.clip(lit * light.astype(np.float32), 0, 255).astype(np.uint8)
    return np.asarray(lit, np.uint8)


def _occlude(image: Image, studio: Studio, rng: np.random.Generator, strength: float) -> Image:
    """A patch of up to a third a side over a quarter of the pictures, flat or of a room."""
    if rng.random() > 0.5 * strength:
        return image
    height, width = rng.integers(8, SIDE // 3, 2)
    top, left = rng.integers(0, SIDE - height), rng.integers(0, SIDE - width)
    patch: NDArray[np.uint8] = rng.integers(0, 256, 3, np.uint8)
    if len(studio.rooms) and rng.random() < 0.5:
        patch = studio.rooms[rng.integers(len(studio.rooms)), :height, :width]
    out = image.copy()
    out[top : top + height, left : left + width] = patch
    return out


def _spoil(image: Image, rng: np.random.Generator, strength: float) -> Image:
    """Blur or sharpen, lose pixels, add sensor noise, pack as a poor JPEG: each at times."""
    kind = rng.random() / max(strength, 0.1)
    if kind < 0.25:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6)), np.uint8)
    elif kind < 0.4:
        blurred = cv2.GaussianBlur(image, (0, 0), 1.0)
        amount = rng.uniform(0.2, 1.2)
        image = np.asarray(cv2.addWeighted(image, 1 + amount, blurred, -amount, 0), np.uint8)
    elif kind < 0.55:
        side = int(rng.integers(32, 80))
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, (SIDE, SIDE)), np.uint8)
    if rng.random() < 0.6 * strength:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(abs(rng.normal(0, 7)))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.6 * strength:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))]
        packed = cv2.imencode(".jpg", image, quality)[1]
        image = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return image


def _gain(factor: float) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.arange(256) * factor, 0, 255), np.uint8)


def _places() -> NDArray[np.float64]:
    """(3, 96, 96): x and y of every pixel in -1..1, and 1."""
    line = np.linspace(-1, 1, SIDE)
    x, y = np.meshgrid(line, line)
    return np.stack([x, y, np.ones_like(x)])


_PLACES: Final = _places()
