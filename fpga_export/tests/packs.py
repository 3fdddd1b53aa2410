"""Packs as users send them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image


def png(seed: int = 0, side: int = 8) -> bytes:
    """A small gray picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def zip_of(files: Mapping[str, bytes], *, packed: bool = False) -> bytes:
    """A ZIP with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def labelled_zip(labels: Sequence[str], each: int = 2, *, around: str = "") -> bytes:
    """`each` pictures of each label."""
    files = {
        f"{around}{label}/{number}.png": png(10 * place + number)
        for place, label in enumerate(labels)
        for number in range(each)
    }
    return zip_of(files)


def npz(
    labels: Sequence[str], *, split: str = "val", more: Mapping[str, Any] | None = None
) -> bytes:
    """A picture a label, as `evaluate_model` takes them."""
    files = [png(number) for number in range(len(labels))]
    columns: dict[str, Any] = {
        "data": np.frombuffer(b"".join(files), np.uint8),
        "offsets": np.cumsum([0, *map(len, files)]),
        "label": [one.encode() for one in labels],
        "split": [split.encode()] * len(labels),
    }
    out = io.BytesIO()
    np.savez(out, **(columns | dict(more or {})))
    return out.getvalue()
