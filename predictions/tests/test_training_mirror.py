"""A face and its mirror image are one to the networks, and plain layers answer as tied ones do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from predictions.training.blocks import PLAIN, TIED, dress
from predictions.training.letters.network import build_letters
from predictions.training.mirror import MirrorConv, MirrorDense, MirrorLogits, MirrorNorm
from predictions.training.network import Shape, build_trunk

RNG = np.random.default_rng(1)
SMALL = Shape(16, 16, drop_flat=0, drop_dense=0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def pictures(n: int, network: keras.Model) -> np.ndarray:
    scale = 60 if network.input_shape[-1] == 3 else 1
    return normal(n, *network.input_shape[1:]) * scale


@pytest.fixture(params=["emotions", "letters"])
def pair(request: pytest.FixtureRequest) -> tuple[keras.Model, keras.Model]:
    """A tied network after some steps away from its start, and a plain one with its weights."""
    keras.utils.set_random_seed(5)
    if request.param == "emotions":
        tied, plain = build_trunk(SMALL, TIED), build_trunk(SMALL)
    else:
        tied, plain = build_letters(width=2, kind=TIED), build_letters(width=2)
    for weight in tied.trainable_weights:  # residuals add nothing at first
        weight.assign_add(0.1 * normal(*weight.shape))
    for _ in range(50):  # moves the means and variances
        tied(pictures(8, tied), training=True)
    dress(tied, plain)
    return tied, plain


def test_a_mirrored_picture_gets_the_same_answer(
    pair: tuple[keras.Model, keras.Model],
) -> None:
    _, plain = pair
    picture = pictures(4, plain)
    here, mirrored = np.array(plain(picture)), np.array(plain(picture[:, :, ::-1]))
    assert here == pytest.approx(mirrored, abs=1e-4)
    assert np.ptp(here, axis=0).min() > 1e-3  # it tells pictures from one another
    turned = np.array(plain(np.rot90(picture, axes=(1, 2))))
    assert np.abs(here - turned).max() > 1e-3


def test_plain_layers_hold_everything_that_the_tied_ones_learnt(
    pair: tuple[keras.Model, keras.Model],
) -> None:
    tied, plain = pair
    names = {layer.name for layer in plain.layers if layer.weights}
    assert names == {layer.name for layer in tied.layers if layer.weights}
    assert not any(type(layer).__module__.startswith("predictions") for layer in plain.layers)
    free, whole = tied.count_params(), plain.count_params()
    assert 1.9 * free < whole <= 2 * free


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_tied_convolution_is_a_plain_one(channels: int) -> None:
    picture = normal(2, 7, 7, channels)
    tied = MirrorConv(6, 3, 2, "valid")
    expected = np.array(tied(picture))
    plain = keras.layers.Conv2D(6, 3, 2, "valid", use_bias=False)
    plain.build(picture.shape)
    plain.set_weights(tied.weights_of_plain())
    assert np.array(plain(picture)) == pytest.approx(expected, abs=1e-5)
    mirrored = np.array(plain(_mirrored(picture)))
    assert mirrored == pytest.approx(_mirrored(expected), abs=1e-5)


def test_a_tied_dense_layer_is_a_plain_one() -> None:
    seen = normal(2, 3, 3, 4)
    tied = MirrorDense(6)
    expected = np.array(tied(seen))
    plain = keras.layers.Dense(6, use_bias=False)
    plain.build((None, 36))
    plain.set_weights(tied.weights_of_plain())
    assert np.array(plain(seen.reshape(2, -1))) == pytest.approx(expected, abs=1e-5)
    assert np.array(tied(_mirrored(seen))) == pytest.approx(_mirrored(expected), abs=1e-5)


def test_tied_logits_are_plain_ones_and_the_same_for_both_halves() -> None:
    seen = normal(2, 8)
    tied = MirrorLogits(5)
    expected = np.array(tied(seen))
    plain = keras.layers.Dense(5)
    plain.build((None, 8))
    plain.set_weights(tied.weights_of_plain())
    assert np.array(plain(seen)) == pytest.approx(expected, abs=1e-5)
    assert np.array(tied(_mirrored(seen))) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("shape", [(64, 5, 5, 4), (512, 4)])
def test_tied_normalisation_trains_as_the_plain_one_does(shape: tuple[int, ...]) -> None:
    one = RNG.normal(3, 2, (*shape[:-1], shape[-1] // 2)).astype(np.float32)
    seen = np.concatenate([one, one], -1)  # halves alike, as they are over many faces
    tied, plain = MirrorNorm(), keras.layers.BatchNormalization(momentum=0.98)
    expected = np.array(plain(seen, training=True))
    assert np.array(tied(seen)) == pytest.approx(expected, abs=1e-3)
    for ours, theirs in zip(tied.weights_of_plain(), plain.get_weights(), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)


def test_a_gradient_reaches_every_weight_from_one_side_of_a_face() -> None:
    entry = keras.layers.Input((12, 12, 1))
    x = TIED.block(entry, 4, 4, strides=2, padding="valid", name="stem")
    x = TIED.residual(TIED.block(x, 8, 3, name="edges"), 4, name="look")
    model = keras.Model(entry, TIED.head(x, 8, 7, drop_flat=0, drop_dense=0))
    for weight in model.trainable_weights:
        weight.assign_add(0.1 * normal(*weight.shape))
    faces = normal(16, 12, 12, 1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(faces, training=True) * normal(16, 7))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(np.abs(np.array(gradient)).max() > 0 for gradient in gradients)


def test_both_kinds_name_their_layers_alike() -> None:
    entry = keras.layers.Input((8, 8, 1))
    names = []
    for kind in (PLAIN, TIED):
        x = kind.residual(kind.block(entry, 4, 3, name="first"), 2, name="then")
        names.append([layer.name for layer in keras.Model(entry, x).layers if layer.weights])
    assert names[0] == names[1]


def _mirrored(seen: np.ndarray) -> np.ndarray:
    """Columns the other way round, where there are any; halves of the channels exchanged."""
    turned = seen[:, :, ::-1] if seen.ndim == 4 else seen
    if seen.shape[-1] % 2:
        return turned
    return np.roll(turned, seen.shape[-1] // 2, -1)
