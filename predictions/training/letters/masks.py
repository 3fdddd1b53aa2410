"""Finds the hand in a training photo, so that its background can be exchanged.

Not part of what is served. A mask may hold a little too much; it must not lose a finger,
because that would make another letter of it.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

BLACK: Final = 28  # brightest channel of the black that massey put behind its hands
DARK: Final = 90  # mean brightness below which a wall has too little colour to be told from skin
SMALLEST, LARGEST = 0.06, 0.65  # of the picture; a mask outside is not believed

Image = NDArray[np.uint8]  # (h, w, 3) RGB
Mask = NDArray[np.uint8]  # (h, w), 0 or 255


def hand_mask(image: Image, source: str) -> Mask:
    """255 on the hand; 255 everywhere when none is found."""
    if source == "massey":
        found = (image.max(axis=2) > BLACK).astype(np.uint8)
    elif source == "keptsecret" or image.mean() < DARK:
        found = _from_skin(image)
    else:
        found = _from_wall(image)
    mask = cv2.morphologyEx(_central(found), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    if not SMALLEST <= mask.mean() <= LARGEST:
        return np.full(image.shape[:2], 255, np.uint8)
    return np.asarray(mask * 255, np.uint8)


def _from_skin(image: Image) -> Mask:
    """GrabCut, begun with the reddest part of the picture."""
    chroma = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    red = cv2.GaussianBlur(chroma[..., 1] - chroma[..., 2], (0, 0), 1.0)
    scaled = cv2.normalize(red, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)  # type: ignore[call-overload]
    limit, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_OTSU)
    likely = np.where(scaled > limit, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # its first clusters are drawn
    cv2.grabCut(image, likely, (0, 0, 1, 1), *models, 3, cv2.GC_INIT_WITH_MASK)
    return np.asarray((likely == cv2.GC_FGD) | (likely == cv2.GC_PR_FGD), np.uint8)


def _from_wall(image: Image) -> Mask:
    """What differs from a smooth wall: a quadratic surface in Lab, fitted first to the edges."""
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=-1).reshape(-1, 6)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    colours = cv2.GaussianBlur(lab, (0, 0), 0.8).reshape(-1, 3).astype(np.float64)
    trust = ((np.abs(x) > 0.75) | (y < -0.75)).astype(np.float64).ravel()  # an arm comes from below
    away = np.zeros(len(trust))
    for _ in range(8):
        weighted = terms * trust[:, None]
        surface = np.linalg.solve(terms.T @ weighted + 1e-3 * np.eye(6), weighted.T @ colours)
        away = np.linalg.norm((colours - terms @ surface) * (0.5, 2, 2), axis=1)
        trust = 1 / (1 + (away / max(2 * float(np.median(away[trust > 0.05])), 4)) ** 4)
    scaled = np.clip(away * 3, 0, 255).astype(np.uint8).reshape(height, width)
    limit, _ = cv2.threshold(scaled, 0, 255, cv2.THRESH_OTSU)
    found = (scaled > limit * 0.45).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)


def _central(found: Mask) -> Mask:
    """The connected part that has most of its weight near the middle."""
    parts, names = cv2.connectedComponents(found)
    height, width = found.shape
    y, x = np.ogrid[:height, :width]
    near = np.exp(-(((x / width - 0.5) / 0.26) ** 2 + ((y / height - 0.5) / 0.26) ** 2) / 2)
    weights = np.bincount(names.ravel(), near.ravel(), minlength=parts)
    weights[0] = 0  # the background
    return np.asarray(names == int(weights.argmax()) if parts > 1 else found, np.uint8)
