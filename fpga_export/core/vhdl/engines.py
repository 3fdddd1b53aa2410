"""One engine of the library for each node: its generics, in VHDL."""

from fpga_export.core.ir import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Depthwise,
    MaxPool,
    Network,
    Node,
    Pad,
    Reshape,
    Rounding,
    Window,
)
from fpga_export.core.vhdl.packing import (
    address_bits,
    bias_memory,
    pack_of,
    per_channel,
    signed_bits,
    weight_memory,
    words_of,
)

Generic = int | bool | list[int]
Generics = dict[str, Generic]


def entity_of(node: Node) -> str:
    """The library's entity that does the node's work."""
    operation = node.operation
    if isinstance(operation, (Conv, Depthwise)):
        return "nn_mac"
    if isinstance(operation, (MaxPool, AveragePool)):
        return "nn_pool"
    return "nn_add" if isinstance(operation, Add) else "nn_copy"


def generics(network: Network, node: Node, lanes: int) -> Generics:
    """The engine's generics."""
    operation = node.operation
    sources = [network.node(name) for name in node.inputs]
    if isinstance(operation, (Conv, Depthwise)):
        return _mac(operation, node, sources[0], lanes)
    if isinstance(operation, (MaxPool, AveragePool)):
        return _pool(operation, node, sources[0], lanes)
    if isinstance(operation, Add):
        return _add(operation, node, sources, lanes)
    if isinstance(operation, (Concat, Pad, Reshape)):
        return _copy(operation, node, sources, lanes)
    raise TypeError(f"no engine for {operation!r}")


def _window(window: Window, source: Node, node: Node) -> Generics:
    top, _, left, _ = window.padding
    return {
        "IH": source.shape[0],
        "IW": source.shape[1],
        "OH": node.shape[0],
        "OW": node.shape[1],
        "KH": window.kernel[0],
        "KW": window.kernel[1],
        "SH": window.stride[0],
        "SW": window.stride[1],
        "DH": window.dilation[0],
        "DW": window.dilation[1],
        "PT": top,
        "PL": left,
    }


def _rounding(rounding: Rounding) -> Generics:
    leak = rounding.leak
    return {
        "SHIFT": rounding.shift,
        "LOW": rounding.low,
        "HIGH": rounding.high,
        "LEAK_FACTOR": leak.factor if leak else 0,
        "LEAK_BITS": leak.bits if leak else -1,
    }


def _mac(operation: Conv | Depthwise, node: Node, source: Node, lanes: int) -> Generics:
    own = pack_of(node, lanes)
    weights, biases = weight_memory(operation, own), bias_memory(operation, own)
    return {
        **_window(operation.window, source, node),
        "IC": source.shape[2],
        "IP": pack_of(source, lanes),
        "OC": node.shape[2],
        "LANES": own,
        "PER_CHANNEL": per_channel(operation),
        "XB": source.format.bits,
        "XS": source.format.signed,
        "WB": operation.weight_format.bits,
        "BB": biases.width // own,
        "SB": operation.sum_bits,
        "YB": node.format.bits,
        **_rounding(operation.rounding),
        "ADDR": address_bits(words_of(source.shape, lanes)),
        "WADDR": address_bits(len(weights.words)),
        "BADDR": address_bits(len(biases.words)),
        "YADDR": address_bits(words_of(node.shape, lanes)),
    }


def _pool(operation: MaxPool | AveragePool, node: Node, source: Node, lanes: int) -> Generics:
    cells = operation.window.kernel[0] * operation.window.kernel[1]
    multipliers = [0] * (cells + 1)
    mean = isinstance(operation, AveragePool)
    sum_bits, rounding = 2, Rounding(0, 0, 0)
    if isinstance(operation, AveragePool):
        for count, multiplier in operation.multipliers:
            multipliers[count] = multiplier
        sum_bits, rounding = operation.sum_bits, operation.rounding
    return {
        **_window(operation.window, source, node),
        "CHANNELS": node.shape[2],
        "LANES": pack_of(node, lanes),
        "MEAN": mean,
        "MULTIPLIERS": multipliers,
        "MB": signed_bits(0, max(multipliers)),
        "XB": source.format.bits,
        "XS": source.format.signed,
        "SB": sum_bits,
        "YB": node.format.bits,
        **_rounding(rounding),
        "ADDR": address_bits(words_of(source.shape, lanes)),
        "YADDR": address_bits(words_of(node.shape, lanes)),
    }


def _add(operation: Add, node: Node, sources: list[Node], lanes: int) -> Generics:
    own = pack_of(node, lanes)
    return {
        "INPUTS": len(sources),
        "WORDS": words_of(node.shape, lanes),
        "LANES": own,
        "BITS": [source.format.bits for source in sources],
        "SIGNS": [int(source.format.signed) for source in sources],
        "SHIFTS": list(operation.left_shifts),
        "XW": sum(source.format.bits * own for source in sources),
        "SB": operation.sum_bits,
        "YB": node.format.bits,
        **_rounding(operation.rounding),
        "ADDR": address_bits(words_of(node.shape, lanes)),
    }


def _copy(
    operation: Concat | Pad | Reshape, node: Node, sources: list[Node], lanes: int
) -> Generics:
    sides = operation.padding if isinstance(operation, Pad) else (0, 0, 0, 0)
    joined = isinstance(operation, Concat)
    parts = [source.shape[2] for source in sources] if joined else [node.shape[2]]
    shifts = [0]
    low, high = node.format.low, node.format.high
    if isinstance(operation, Concat):
        shifts = [rounding.shift for rounding in operation.roundings]
        low, high = operation.roundings[0].low, operation.roundings[0].high
    packs = [pack_of(source, lanes) for source in sources]
    bits = [source.format.bits for source in sources]
    return {
        "INPUTS": len(sources),
        "CHANNELS": [source.shape[2] for source in sources],
        "PACKS": packs,
        "BITS": bits,
        "SIGNS": [int(source.format.signed) for source in sources],
        "SHIFTS": shifts,
        "PARTS": parts,
        "XW": sum(pack * width for pack, width in zip(packs, bits, strict=True)),
        "OH": node.shape[0],
        "OW": node.shape[1],
        "OC": node.shape[2],
        "LANES": pack_of(node, lanes),
        "PT": sides[0],
        "PB": sides[1],
        "PL": sides[2],
        "PR": sides[3],
        "YB": node.format.bits,
        "LOW": low,
        "HIGH": high,
        "ADDR": max(address_bits(words_of(source.shape, lanes)) for source in sources),
        "YADDR": address_bits(words_of(node.shape, lanes)),
    }


def generic_map(values: Generics) -> str:
    """`values` as VHDL associations."""
    return ",\n      ".join(f"{name} => {_literal(value)}" for name, value in values.items())


def _literal(value: Generic) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "(" + ", ".join(f"{i} => {one}" for i, one in enumerate(value)) + ")"
    return str(value)
