"""The golden model, against sums done by hand."""

import numpy as np
import pytest

from fpga_export.core.integer_run import answers, rounded, run_integer, saturations, to_codes
from fpga_export.core.ir import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Depthwise,
    Format,
    Leak,
    MaxPool,
    Network,
    Node,
    Operation,
    Pad,
    Reshape,
    Rounding,
    Shape,
    Source,
    Window,
)

EIGHT = Format(8, 0)
PLAIN = Rounding(0, -128, 127)
PICTURE = np.array([[[1], [2], [3]], [[4], [5], [6]], [[7], [8], [9]]], np.int64)


def network(operation: Operation, shape: Shape, *, source: Shape = (3, 3, 1)) -> Network:
    start = Node("picture", ("picture",), (), source, EIGHT, Source())
    node = Node("node", ("node",), ("picture",), shape, EIGHT, operation)
    return Network("one", (start, node), "node")


def node_of(operation: Operation, shape: Shape) -> np.ndarray:
    return run_integer(network(operation, shape), PICTURE)["node"]


def conv(weights: np.ndarray, bias: list[int], window: Window, rounding: Rounding = PLAIN) -> Conv:
    return Conv(window, weights, np.array(bias), EIGHT, 20, rounding)


def test_a_convolution_sums_a_window_over_all_channels() -> None:
    kernel = np.array([[1, 0], [0, -1]]).reshape(2, 2, 1, 1)
    found = node_of(conv(kernel, [10], Window((2, 2))), (2, 2, 1))
    assert found.ravel().tolist() == [10 + 1 - 5, 10 + 2 - 6, 10 + 4 - 8, 10 + 5 - 9]


def test_padding_strides_and_dilation_move_the_window() -> None:
    ones = np.ones((2, 2, 1, 1), np.int64)
    corner = node_of(conv(ones, [0], Window((2, 2), padding=(1, 0, 1, 0))), (3, 3, 1))
    assert corner[0, 0, 0] == 1
    assert corner[2, 2, 0] == 5 + 6 + 8 + 9
    stepped = node_of(conv(ones, [0], Window((2, 2), (2, 2), padding=(0, 1, 0, 1))), (2, 2, 1))
    assert stepped.ravel().tolist() == [12, 9, 15, 9]
    spread = node_of(conv(ones, [0], Window((2, 2), dilation=(2, 2))), (1, 1, 1))
    assert spread.ravel().tolist() == [1 + 3 + 7 + 9]


def test_a_depthwise_convolution_keeps_channels_apart() -> None:
    weights = np.array([2, -1]).reshape(1, 1, 1, 2)
    operation = Depthwise(Window((1, 1)), weights, np.array([0, 5]), EIGHT, 12, PLAIN)
    found = node_of(operation, (3, 3, 2))
    assert found[2, 2].tolist() == [18, -4]


def test_a_maximum_ignores_padding_and_an_average_does_not_count_it() -> None:
    negative = network(MaxPool(Window((2, 2), padding=(1, 0, 1, 0))), (3, 3, 1))
    assert run_integer(negative, -PICTURE)["node"][0, 0, 0] == -1
    window = Window((2, 2), (2, 2), padding=(0, 1, 0, 1))
    thirds = ((1, 256), (2, 128), (4, 64))
    mean = AveragePool(window, thirds, 20, Rounding(8, -128, 127))
    assert node_of(mean, (2, 2, 1)).ravel().tolist() == [3, 5, 8, 9]  # 3, 4.5, 7.5, 9: halves up


def test_tensors_are_added_joined_padded_and_reshaped() -> None:
    assert node_of(Add((1,), 12, PLAIN), (3, 3, 1)).ravel()[-1] == 18
    assert node_of(Pad((1, 0, 0, 1)), (4, 4, 1))[0].sum() == 0
    assert node_of(Reshape(), (1, 1, 9)).ravel().tolist() == list(range(1, 10))
    assert node_of(Concat((Rounding(1, -128, 127),)), (3, 3, 1)).ravel()[0] == 1  # 0.5, up


@pytest.mark.parametrize(
    ("total", "rounding", "code"),
    [
        (5, Rounding(1, -128, 127), 3),
        (-5, Rounding(1, -128, 127), -2),
        (-5, Rounding(0, 0, 127), 0),
        (900, Rounding(2, -128, 127), 127),
        (3, Rounding(-2, -128, 127), 12),
        (-40, Rounding(5, -128, 127, Leak(1, 3)), -1),  # -40 / 8 / 4 = -1.25
        (40, Rounding(5, -128, 127, Leak(1, 3)), 10),
    ],
)
def test_sums_become_codes_by_shift_and_clip(total: int, rounding: Rounding, code: int) -> None:
    assert rounded(np.array(total), rounding) == code


def test_values_become_the_nearest_codes() -> None:
    values = np.array([0.49, 0.5, -0.5, 3.0, -3.0])
    assert to_codes(values, Format(3, 0)).tolist() == [0, 1, 0, 3, -3]
    assert to_codes(np.array([9.0, -9.0]), Format(3, 0)).tolist() == [3, -4]


def test_several_pictures_are_answered_at_once_and_a_tie_goes_to_the_first() -> None:
    net = network(Reshape(), (1, 1, 9))
    pictures = np.stack([PICTURE, PICTURE * 0])
    assert answers(net, run_integer(net, pictures)).tolist() == [8, 0]


def test_a_saturation_is_counted_but_a_clip_that_is_meant_is_not() -> None:
    kernel = np.full((1, 1, 1, 1), 20)
    wide = network(conv(kernel, [0], Window((1, 1))), (3, 3, 1))
    assert saturations(wide, PICTURE)["node"].clipped == 3  # 140, 160, 180
    six = network(conv(kernel, [0], Window((1, 1)), Rounding(0, 0, 100)), (3, 3, 1))
    assert saturations(six, PICTURE)["node"].clipped == 0


def test_a_picture_of_another_shape_or_beyond_the_format_is_refused() -> None:
    net = network(Reshape(), (1, 1, 9))
    with pytest.raises(ValueError, match="wants"):
        run_integer(net, PICTURE[:2])
    with pytest.raises(ValueError, match="outside"):
        run_integer(net, PICTURE * 100)


def test_formats_say_what_their_codes_can_be() -> None:
    plain, signed = Format(8, 4, signed=False), Format(8, 4)
    assert (plain.low, plain.high, signed.low, signed.high) == (0, 255, -128, 127)
    assert str(plain) == "UQ4.4"
    assert str(Format(8, 0, signed=False, divisor=255)) == "UQ8.0/255"
    assert Format(8, 0, signed=False, divisor=255).meaning == "value = code * 2**0 / 255"
    assert plain.wrapped(np.array([255])).tolist() == [255]
    assert signed.wrapped(np.array([255])).tolist() == [-1]
