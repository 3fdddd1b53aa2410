"""One request in its folder: what was asked, how far it is, and what was made."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpga_export.core.graph import FloatGraph
from fpga_export.core.image_memory import picture_of
from fpga_export.core.loader import read_model

Floats = NDArray[np.float32]


class BadRequest(Exception):
    """The request cannot be met; `code` and `facts` say why."""

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        self.facts = facts
        super().__init__(code)


class Run:
    """One request in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: dict[str, Any] = json.loads((folder / "request.json").read_text())

    def tell(self, progress: float, step: str) -> None:
        """How far it is, 0 to 1, and what it does."""
        path = self.folder / "progress.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps({"progress": round(progress, 3), "step": step}))
        new.rename(path)

    def write(self, folder: str, name: str, content: str | bytes) -> None:
        path = self.folder / "out" / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def graph(self) -> FloatGraph:
        self.tell(0.02, "load")
        return read_model(Path(self.asked["network_path"]), filename=self.asked["network"])

    def has_picture(self) -> bool:
        """Whether one was sent; a pack alone may do."""
        return self.asked.get("array") is not None or (self.folder / "picture").exists()

    def pixels(self, graph: FloatGraph) -> Floats:
        """The picture as the network wants it. Raises `BadRequest`."""
        height, width, channels = graph.layers[0].shape
        array = self.asked.get("array")
        if array is not None:
            return _array(array, (height, width, channels))
        data = (self.folder / "picture").read_bytes()
        if channels not in {1, 3}:
            raise BadRequest("channels", channels=channels)
        pixels = picture_of(data, width=width, height=height, gray=channels == 1)
        return as_wanted(pixels, graph)


def as_wanted(pixels: NDArray[np.uint8], graph: FloatGraph) -> Floats:
    """A picture's bytes as the network wants them: 0 to 255 where it rescales, else 0 to 1."""
    values = pixels.reshape(graph.layers[0].shape).astype(np.float32)
    rescales = any(layer.kind == "Rescaling" for layer in graph.layers[:3])
    return values if rescales else values / np.float32(255)


def _array(values: Any, shape: tuple[int, ...]) -> Floats:
    try:
        found = np.asarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise BadRequest("bad_array") from error
    if found.size != int(np.prod(shape)) or not np.isfinite(found).all():
        raise BadRequest("array_shape", expected=list(shape), found=list(found.shape))
    return found.reshape(shape)


def calibration(picture: Floats, *, count: int = 6) -> list[Floats]:
    """The picture, and versions of it that are darker, mirrored and noisier: enough for formats.

    Those of bytes, which pictures come as, are bytes too.
    """
    rng = np.random.default_rng(0)
    top = float(np.abs(picture).max()) or 1.0
    found = [picture, picture[:, ::-1], picture * np.float32(0.5), picture.max() - picture]
    while len(found) < count:
        noise = rng.normal(0, 0.1 * top, picture.shape).astype(np.float32)
        found.append(np.clip(picture + noise, picture.min(), picture.max()))
    unit = next((one for one in (1.0, 255.0) if _whole(picture * one)), None)
    if unit is not None:
        found = [np.rint(one * unit) / np.float32(unit) for one in found]
    return [np.ascontiguousarray(one, np.float32) for one in found]


def _whole(values: Floats) -> bool:
    near = np.abs(values - np.rint(values)) < 1e-3
    return bool(near.all()) and float(values.max()) > 1
