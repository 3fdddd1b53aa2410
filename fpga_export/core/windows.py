"""Where Keras puts its padding."""

from fpga_export.core.graph import Layer
from fpga_export.core.ir import Pair, Sides, Window
from fpga_export.core.kinds import pair


def window_of(layer: Layer, size: Pair) -> Window:
    """The window of a convolution or a pooling layer over an input of `size`.

    SAME pads so that the outputs are ceil(size / stride), the odd cell at the end.
    """
    pooled = layer.config.get("pool_size")
    kernel = pair(pooled if pooled is not None else layer.config["kernel_size"])
    stride = pair(layer.config.get("strides") or (kernel if pooled is not None else 1))
    dilation = pair(layer.config.get("dilation_rate", 1))
    if layer.config.get("padding", "valid") != "same":
        return Window(kernel, stride, dilation)
    top, bottom = _same(size[0], kernel[0], stride[0], dilation[0])
    left, right = _same(size[1], kernel[1], stride[1], dilation[1])
    return Window(kernel, stride, dilation, (top, bottom, left, right))


def _same(size: int, kernel: int, stride: int, dilation: int) -> Pair:
    reach = (kernel - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2


def outer(first: Sides, second: Sides) -> Sides:
    """Padding around padding."""
    top, bottom, left, right = (a + b for a, b in zip(first, second, strict=True))
    return top, bottom, left, right
