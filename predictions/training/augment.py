"""Makes each face look as if another webcam had seen it.

Colour is not touched: the network's first layers reduce colour to brightness, so a cast is
only a change of gain to it, and that is drawn here.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

TRUNK_SIDE = 48  # pixels a side, after the network's own pooling


def augment(
    images: NDArray[np.uint8], rng: np.random.Generator, *, plain: float = 0.0
) -> NDArray[np.uint8]:
    """Distorted copies, (n, 96, 96) gray to (n, 48, 48), each drawn from `rng` alone.

    `plain`: the share that is only mirrored, or not even that.
    """
    moved = _move(images, rng)
    lit = _relight(moved, rng)
    out = _spoil(_occlude(lit, rng), rng)
    spared = np.flatnonzero(rng.random(len(images)) < plain)
    if len(spared):
        small = shrink(images[spared])
        mirrored = rng.random(len(spared)) < 0.5
        small[mirrored] = small[mirrored, :, ::-1]
        out[spared] = small
    return out


def mix(
    images: NDArray[np.uint8],
    targets: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    blend: float,
    patch: float,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A batch whose faces may be mixed with one another, and the targets in the same shares.

    `blend`: how often two faces are laid over each other (mixup, Zhang et al. 2018); `patch`: how
    often a rectangle of another face is pasted (CutMix, Yun et al. 2019).
    """
    drawn, other = rng.random(), rng.permutation(len(images))
    if drawn < blend:
        keep = np.float32(rng.beta(0.4, 0.4))
        laid = keep * images + (1 - keep) * images[other].astype(np.float32)
        return laid.astype(np.uint8), keep * targets + (1 - keep) * targets[other]
    if drawn < blend + patch:
        height, width = rng.integers(10, 32, 2)
        top, left = rng.integers(0, TRUNK_SIDE - height), rng.integers(0, TRUNK_SIDE - width)
        pasted = images.copy()
        there = (slice(None), slice(top, top + height), slice(left, left + width))
        pasted[there] = images[other][there]
        keep = np.float32(1 - height * width / TRUNK_SIDE**2)
        return pasted, keep * targets + (1 - keep) * targets[other]
    return images, targets


def shrink(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 96, 96) to (n, 48, 48) by the mean of 2x2, as the network's pooling does."""
    small = [
        cv2.resize(image, (TRUNK_SIDE, TRUNK_SIDE), interpolation=cv2.INTER_AREA)
        for image in images
    ]
    return np.stack(small).astype(np.uint8)


def _move(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Mirror, turn, zoom, stretch and shift the face box; edges are repeated."""
    n, side = len(images), images.shape[1]
    mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0)
    angle = np.radians(rng.uniform(-20, 20, n))
    zoom = np.exp(rng.uniform(-0.22, 0.2, n))
    stretch = np.exp(rng.uniform(-0.06, 0.06, n))
    shift = rng.uniform(-0.08, 0.08, (n, 2)) * side
    middle = (side - 1) / 2
    out = np.empty((n, TRUNK_SIDE, TRUNK_SIDE), np.uint8)
    for i, image in enumerate(images):
        cos, sin = zoom[i] * np.cos(angle[i]), zoom[i] * np.sin(angle[i])
        turn = np.array([[cos * stretch[i] * mirror[i], -sin], [sin * mirror[i], cos / stretch[i]]])
        offset = middle + shift[i] - turn @ (middle, middle)
        warped = cv2.warpAffine(
            image, np.column_stack([turn, offset]), (side, side), borderMode=cv2.BORDER_REPLICATE
        )
        cv2.resize(warped, (TRUNK_SIDE, TRUNK_SIDE), dst=out[i], interpolation=cv2.INTER_AREA)
    return out


def _relight(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Gamma, contrast, brightness; for a third a light from one side, for a sixth a dark room."""
    n = len(images)
    gamma = np.exp(rng.normal(0, 0.25, (n, 1, 1))).astype(np.float32)
    contrast = np.exp(rng.normal(0, 0.22, (n, 1, 1))).astype(np.float32)
    brightness = rng.normal(0, 0.09, (n, 1, 1)).astype(np.float32)
    ramp = np.linspace(-1, 1, TRUNK_SIDE, dtype=np.float32)
    slope = rng.normal(0, 0.35, (2, n, 1, 1)).astype(np.float32) * (rng.random((n, 1, 1)) < 0.33)
    light = np.exp(slope[0] * ramp[None, None, :] + slope[1] * ramp[None, :, None])
    dim = np.where(rng.random((n, 1, 1)) < 0.16, rng.uniform(0.2, 0.8, (n, 1, 1)), 1)
    level = (images.astype(np.float32) / 255) ** gamma * light * dim.astype(np.float32)
    mean = level.mean(axis=(1, 2), keepdims=True)
    level = (level - mean) * contrast + mean + brightness
    return np.asarray(np.clip(level, 0, 1) * 255, np.uint8)


def _occlude(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A flat patch of up to 40 % a side over a quarter of the faces: a hand, hair, a cup.

    Over one in twelve a band as wide as the picture: a mask, a scarf, dark glasses.
    """
    out = images.copy()
    for i in np.flatnonzero(rng.random(len(images)) < 0.08):
        height = rng.integers(6, 17)
        top = rng.integers(4, TRUNK_SIDE - height)
        out[i, top : top + height] = rng.integers(0, 256)
    for i in np.flatnonzero(rng.random(len(images)) < 0.25):
        height, width = rng.integers(6, 20, 2)
        top, left = rng.integers(0, TRUNK_SIDE - height), rng.integers(0, TRUNK_SIDE - width)
        out[i, top : top + height, left : left + width] = rng.integers(0, 256)
    return out


def _spoil(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blur or sharpen, add sensor noise, and pack a fifth of the faces as a poor JPEG."""
    n = len(images)
    blurred = np.stack([cv2.GaussianBlur(image, (0, 0), 0.9) for image in images])
    amount = rng.uniform(-0.9, 0.9, (n, 1, 1)).astype(np.float32)
    amount *= rng.random((n, 1, 1)) < 0.6
    sharp = images.astype(np.float32)
    sharp += amount * (sharp - blurred)
    sigma = np.abs(rng.normal(0, 5, (n, 1, 1))).astype(np.float32) * (rng.random((n, 1, 1)) < 0.5)
    sharp += sigma * rng.standard_normal(images.shape, dtype=np.float32)
    out = np.clip(sharp, 0, 255).astype(np.uint8)
    for i in np.flatnonzero(rng.random(n) < 0.2):
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 96))]
        packed = cv2.imencode(".jpg", out[i], quality)[1]
        out[i] = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    return out
