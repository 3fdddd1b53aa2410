"""Converts a Keras file of somebody else into a LiteRT file.

`python -m predictions.training.adopt FROM.h5 TO.tflite` runs in a child process with limits; the
last line that it prints is JSON: the facts, or `{"fault": "sentence"}`.
"""

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHAPE, CLASSES = (96, 96, 3), 7

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
SCALES = frozenset({"Rescaling", "Normalization"})


class Unfit(Exception):
    """The file cannot be used; the text says why."""


def read_config(path: Path) -> dict[str, Any]:
    """The architecture of a .keras or .h5 file as plain data; nothing is built. Raises `Unfit`."""
    import h5py

    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                text: Any = archive.read("config.json")
        else:
            with h5py.File(path, "r") as file:
                text = file.attrs["model_config"]
        config = json.loads(text)
    except (OSError, KeyError, ValueError) as error:
        raise Unfit(f"no Keras model can be read in {path.name}") from error
    if not isinstance(config, dict):
        raise Unfit(f"no Keras model can be read in {path.name}")
    return config


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


def adopt(source: Path, target: Path) -> dict[str, object]:
    """Write the .tflite and return its facts. Raises `Unfit`."""
    names = set(class_names(read_config(source)))
    check_classes(names)
    import keras
    import tensorflow as tf

    network = keras.saving.load_model(source, compile=False, safe_mode=True)
    if network.input_shape[1:] != SHAPE or network.output_shape[1:] != (CLASSES,):
        raise Unfit(
            f"it reads {network.input_shape} into {network.output_shape}, "
            f"not (None, 96, 96, 3) into (None, 7)"
        )
    faces = keras.Input(SHAPE)
    # The original gave its network pixels of 0 to 1; we give 0 to 255.
    scaled = faces if names & SCALES else keras.layers.Rescaling(1 / 255)(faces)
    whole = keras.Model(faces, network(scaled, training=False))
    target.write_bytes(tf.lite.TFLiteConverter.from_keras_model(whole).convert())
    return {"total_params": network.count_params(), "input_shape": str(network.input_shape)}


def main(source: Path, target: Path) -> dict[str, object]:
    try:
        return adopt(source, target)
    except Unfit as fault:
        return {"fault": str(fault)}


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n")
