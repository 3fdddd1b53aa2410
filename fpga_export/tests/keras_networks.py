"""Run as a program: builds networks in Keras and writes their files and answers into a folder."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def build(folder: Path, only: Sequence[str] = ()) -> None:
    """`{name}.keras`, `{name}.h5` where it can be, and `{name}.npz` with pictures and answers."""
    import keras
    from keras import layers as kl

    keras.utils.set_random_seed(7)
    rng = np.random.default_rng(7)

    def sequence(shape: tuple[int, int, int], *stack: keras.Layer) -> keras.Model:
        return keras.Sequential([keras.Input(shape), *stack])

    def branches() -> keras.Model:
        start = keras.Input((13, 11, 3))
        x = kl.Rescaling(1 / 127.5, offset=-1)(start)
        x = kl.Conv2D(8, 3, padding="same", use_bias=False)(x)
        x = kl.BatchNormalization()(x)
        x = kl.Activation("relu6")(x)
        left = kl.DepthwiseConv2D(3, padding="same", strides=2)(x)
        right = kl.AveragePooling2D(3, strides=2, padding="same")(x)
        both = kl.Add()([left, right])
        both = kl.LeakyReLU()(both)
        joined = kl.Concatenate()([both, right, left])
        out = kl.GlobalAveragePooling2D()(kl.Conv2D(5, 1)(joined))
        return keras.Model(start, kl.Dense(4, activation="softmax")(out))

    def mobile() -> keras.Model:
        start = keras.Input((16, 16, 1))
        x = kl.ZeroPadding2D(((0, 1), (0, 1)))(start)
        x = kl.Conv2D(8, 3, strides=2, use_bias=False)(x)
        x = kl.ReLU(max_value=6)(kl.BatchNormalization()(x))
        y = kl.SeparableConv2D(8, 3, padding="same", activation="relu")(x)
        y = kl.BatchNormalization()(y)
        x = kl.Add()([x, y])
        x = kl.Conv2D(6, 3, dilation_rate=2, activation="leaky_relu")(x)
        x = kl.Reshape((8, 2, 6))(x)
        return keras.Model(start, kl.Softmax()(kl.Dense(3)(kl.Flatten()(x))))

    def named() -> keras.Model:
        start = keras.Input((6, 8, 2))
        x = kl.RandomFlip()(start)
        x = kl.Conv2D(4, 3, padding="same", activation="relu")(x)
        x = kl.Conv2DTranspose(3, 3, strides=2)(x)
        x = kl.Cropping2D(((1, 0), (0, 1)))(kl.UpSampling2D(2)(x))
        x = kl.LayerNormalization()(kl.PReLU(shared_axes=[1, 2])(x))
        x = kl.Multiply()([x, kl.ELU()(x)])
        x = kl.GRU(3, return_sequences=True)(kl.Reshape((-1, 9))(x))
        return keras.Model(start, kl.Dense(2, activation="sigmoid")(kl.LSTM(5)(x)))

    networks = {
        "named": named(),
        "lenet": sequence(
            (28, 28, 1),
            kl.Conv2D(6, 5, activation="relu", padding="same"),
            kl.AveragePooling2D(2),
            kl.Conv2D(16, 5, activation="relu"),
            kl.MaxPooling2D(2),
            kl.Flatten(),
            kl.Dropout(0.5),
            kl.Dense(20, activation="relu"),
            kl.Dense(10, activation="softmax"),
        ),
        "rectangles": sequence(
            (9, 14, 2),
            kl.Conv2D(7, (2, 5), strides=(1, 3), padding="same"),
            kl.ReLU(negative_slope=0.125),
            kl.MaxPooling2D((3, 2), strides=(2, 1), padding="same"),
            kl.BatchNormalization(),
            kl.DepthwiseConv2D((3, 2), depth_multiplier=2),
            kl.ZeroPadding2D((1, 2)),
            kl.MaxPooling2D(2),
            kl.GlobalMaxPooling2D(),
            kl.Dense(3),
        ),
        "branches": branches(),
        "mobile": mobile(),
    }
    for name, model in networks.items():
        if only and name not in only:
            continue
        _unsettle(model, rng)
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
        scale = 255 if name == "branches" else 1
        pictures = (rng.random((4, *model.input_shape[1:])) * scale).astype(np.float32)
        inner = keras.Model(model.inputs, [layer.output for layer in model.layers])
        outputs = inner.predict(pictures, verbose=0)
        answers = {
            f"out:{layer.name}": value for layer, value in zip(model.layers, outputs, strict=True)
        }
        counts = {f"count:{layer.name}": layer.count_params() for layer in model.layers}
        np.savez(folder / f"{name}.npz", pictures=pictures, **answers, **counts)


def _unsettle(model: object, rng: np.random.Generator) -> None:
    """Normalisation with statistics of its own, and biases that are not zero."""
    for layer in model.layers:  # type: ignore[attr-defined]
        values = layer.get_weights()
        if values and layer.__class__.__name__ == "BatchNormalization":
            layer.set_weights([rng.uniform(0.5, 1.5, one.shape) for one in values])
        elif values:
            layer.set_weights([one + rng.normal(0, 0.05, one.shape) for one in values])


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2:])
