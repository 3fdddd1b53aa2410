"""Converts a Keras file of somebody else into a LiteRT file.

`python -m predictions.training.adopt FROM.h5 TO.tflite` runs in a child process with limits; the
last line that it prints is JSON: the facts, or `{"fault": "sentence"}`.
"""

import argparse
import json
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from predictions.core.labels import EMOTIONS

SIDE = 96  # of the faces that are given
SIDES = range(24, 225)  # of the faces that a network may want
GRAY = (0.299, 0.587, 0.114)  # ITU-R BT.601
# What a network wants its pixels to be, as scale and offset of 0..255.
PIXELS = {"0..255": (1.0, 0.0), "0..1": (1 / 255, 0.0), "-1..1": (1 / 127.5, -1.0)}
AUTO = "auto"

# What a network that looks at faces is made of. Nothing here runs code from the file, or fetches
# anything; every other class in the file, layer or not, is refused before Keras sees it.
LAYERS = """
    Activation Add Average AveragePooling2D BatchNormalization CenterCrop Concatenate Conv2D Dense
    DepthwiseConv2D Dropout ELU Flatten Functional GaussianNoise GlobalAveragePooling2D
    GlobalMaxPooling2D InputLayer LayerNormalization LeakyReLU MaxPooling2D Maximum Model Multiply
    Normalization PReLU Permute RandomBrightness RandomContrast RandomFlip RandomRotation
    RandomTranslation RandomZoom ReLU Rescaling Reshape Resizing SeparableConv2D Sequential
    Softmax SpatialDropout2D Subtract UpSampling2D ZeroPadding2D
"""
PARTS = """
    Constant DTypePolicy GlorotNormal GlorotUniform HeNormal HeUniform L1 L1L2 L2 LecunNormal
    LecunUniform MaxNorm NonNeg Ones Orthogonal RandomNormal RandomUniform TruncatedNormal
    UnitNorm VarianceScaling Zeros __keras_tensor__ __tuple__
"""
ACCEPTED = frozenset(f"{LAYERS} {PARTS}".split())
NOT_READ = frozenset({"compile_config", "training_config"})  # we load with compile=False
MOST_CONFIG = 16 * 2**20  # bytes of the architecture, which is a text
MOST_UNPACKED = 2**30  # bytes of all that a .keras file holds
SCALES = frozenset({"Rescaling", "Normalization"})


NOT_A_MODEL = (
    EOFError,
    KeyError,
    OSError,
    RecursionError,  # lists in lists without end
    RuntimeError,  # an archive with a password, or packed in a way that Python has not
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


class Unfit(Exception):
    """The file cannot be used; the text says why."""


def read_config(path: Path) -> dict[str, Any]:
    """The architecture of a .keras or .h5 file as plain data; nothing is built. Raises `Unfit`."""
    import h5py

    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                _check_sizes(archive, path.name)
                text: Any = archive.read("config.json")
        else:
            with h5py.File(path, "r") as file:
                text = file.attrs["model_config"]
        config = json.loads(text)
    except NOT_A_MODEL as error:
        raise Unfit(f"no Keras model can be read in {path.name}") from error
    if not isinstance(config, dict):
        raise Unfit(f"no Keras model can be read in {path.name}")
    return config


def _check_sizes(archive: zipfile.ZipFile, name: str) -> None:
    """Raises `Unfit` for a small file that would fill the memory."""
    whole = sum(part.file_size for part in archive.infolist())
    if whole > MOST_UNPACKED or archive.getinfo("config.json").file_size > MOST_CONFIG:
        raise Unfit(f"{name} unpacks to more than a classifier can need")


def class_names(config: object) -> Iterator[str]:
    """Every class that the file names, however deep it lies, and every module outside Keras."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield str(config["class_name"])
        module = config.get("module")
        if module is not None and str(module).split(".")[0] != "keras":
            yield str(module)
        for key, inside in config.items():
            if key not in NOT_READ:
                yield from class_names(inside)
    elif isinstance(config, list):
        for inside in config:
            yield from class_names(inside)


def check_classes(names: set[str]) -> None:
    """Raises `Unfit` for a class that could run code or that no image network needs."""
    foreign = sorted(names - ACCEPTED)
    if foreign:
        raise Unfit(f"it uses {', '.join(foreign)}, which is not accepted")


def adopt(
    source: Path,
    target: Path,
    *,
    pixels: str = AUTO,
    order: Sequence[str] = EMOTIONS,
    samples: Path | None = None,
) -> dict[str, object]:
    """Write the .tflite and return its facts. Raises `Unfit`.

    `order` is that of the network's answers, `samples` an .npy of (n, 96, 96, 3) faces; the facts
    hold what Keras says of them, in the order of `EMOTIONS`.
    """
    network, whole = load_network(source, classes=EMOTIONS, pixels=pixels, order=order)
    import numpy as np
    import tensorflow as tf

    target.write_bytes(tf.lite.TFLiteConverter.from_keras_model(whole).convert())
    facts = {"total_params": network.count_params(), "input_shape": str(network.input_shape)}
    if samples is not None:
        faces = np.load(samples, allow_pickle=False).astype(np.float32)
        facts["answers"] = np.asarray(whole(faces, training=False)).astype(float).tolist()
    return facts


def load_network(
    source: Path,
    *,
    classes: Sequence[str] = EMOTIONS,
    pixels: str = AUTO,
    order: Sequence[str] | None = None,
) -> tuple[Any, Any]:
    """The Keras network in the file, and one around it that reads (n, 96, 96, 3) RGB 0..255 and
    answers in the order of `classes`. Raises `Unfit`."""
    try:
        names = set(class_names(read_config(source)))
    except RecursionError as error:
        raise Unfit(f"the layers of {source.name} are nested too deep") from error
    check_classes(names)
    import keras

    try:
        network = keras.saving.load_model(source, compile=False, safe_mode=True)
    except Exception as error:  # whatever Keras finds wrong with a stranger's file
        raise Unfit(f"Keras cannot load it: {str(error)[:300]}") from error
    check_shapes(network.input_shape, network.output_shape, classes=classes)
    if pixels == AUTO:  # the original gave its network pixels of 0 to 1
        pixels = "0..255" if names & SCALES else "0..1"
    return network, _around(network, pixels, list(order or classes), list(classes))


def check_shapes(entry: object, exit_: object, *, classes: Sequence[str]) -> None:
    """Raises `Unfit` where the network does not read one square face into one number a class."""
    fits = (
        isinstance(entry, tuple)
        and len(entry) == 4
        and entry[1] == entry[2]
        and entry[1] in SIDES
        and entry[3] in (1, 3)
    )
    if fits and isinstance(exit_, tuple) and exit_[1:] == (len(classes),):
        return
    raise Unfit(
        f"it reads {entry} into {exit_}. It must read faces, (None, side, side, 1 or 3) with a "
        f"side of {SIDES[0]} to {SIDES[-1]} pixels, into (None, {len(classes)}), one number for "
        f"each of {', '.join(classes)}. Change its first or last layer and save it again"
    )


def _around(network: Any, pixels: str, order: list[str], classes: list[str]) -> Any:
    import keras
    import numpy as np

    _, side, _, channels = network.input_shape
    faces = keras.Input((SIDE, SIDE, 3))
    x = faces
    if channels == 1:
        gray = keras.layers.Conv2D(1, 1, use_bias=False, trainable=False)
        x = gray(x)
        gray.set_weights([np.array(GRAY, np.float32).reshape(1, 1, 3, 1)])
    if side != SIDE and SIDE % side == 0:  # the mean of whole pixels, without aliases
        x = keras.layers.AveragePooling2D(SIDE // side)(x)
    elif side != SIDE:
        x = keras.layers.Resizing(side, side)(x)
    scale, offset = PIXELS[pixels]
    if (scale, offset) != PIXELS["0..255"]:
        x = keras.layers.Rescaling(scale, offset=offset)(x)
    answers = network(x, training=False)
    if order != classes:
        place = keras.layers.Dense(len(classes), use_bias=False, trainable=False)
        answers = place(answers)
        kernel = [[float(theirs == ours) for ours in classes] for theirs in order]
        place.set_weights([np.array(kernel, np.float32)])
    return keras.Model(faces, answers)


def main(arguments: list[str]) -> dict[str, object]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--pixels", choices=[AUTO, *PIXELS], default=AUTO)
    parser.add_argument("--order", type=lambda text: text.split(","), default=EMOTIONS)
    parser.add_argument("--samples", type=Path)
    given = parser.parse_args(arguments)
    try:
        return adopt(
            given.source,
            given.target,
            pixels=given.pixels,
            order=given.order,
            samples=given.samples,
        )
    except Unfit as fault:
        return {"fault": str(fault)}


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(main(sys.argv[1:])) + "\n")
