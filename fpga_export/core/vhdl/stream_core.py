"""The generated top of a stream core: a stage a node, and a FIFO before each input of a join.

A node's name stands between a prefix and an ending of ours: `t_` is its pixel, `r_` what one of its
readers sees of it, `f_` a FIFO before it, `j_` what its FIFOs have together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from fpga_export.core.ir import (
    Add,
    AveragePool,
    Concat,
    Depthwise,
    MaxPool,
    Network,
    Reshape,
    Rounding,
)
from fpga_export.core.vhdl.engines import Generics, generic_map
from fpga_export.core.vhdl.packing import address_bits, signed_bits
from fpga_export.core.vhdl.rom import HEAD
from fpga_export.core.vhdl.stream import Stage, Walking, sizes_of, weighted
from fpga_export.core.vhdl.stream_flow import fifo_depths, joins, readers
from fpga_export.core.vhdl.wiring import listed, told, vector


@dataclass(frozen=True)
class StreamWiring:
    """A network's stages and the name of its top entity; every method gives VHDL."""

    network: Network
    found: Sequence[Stage]
    name: str

    @cached_property
    def depths(self) -> dict[tuple[str, int], int]:
        """Of each FIFO."""
        return fifo_depths(self.network, self.found)

    @property
    def class_bits(self) -> int:
        """Bits of the class index."""
        return address_bits(math.prod(self.network.node(self.network.answer).shape))

    def pixel_bits(self, name: str) -> int:
        """Bits of a pixel of that node's tensor."""
        node = self.network.node(name)
        return node.shape[2] * node.format.bits

    def ports(self, *, debug: bool) -> str:
        """The port list; with `debug` also what each node gives, and when it makes a step."""
        lines = ["clk : in  std_logic", "x_valid : in  std_logic", "x_ready : out std_logic"]
        lines.append(f"x_data  : in  {vector(self.pixel_bits(self.network.nodes[0].name))}")
        lines += ["done : out std_logic", f"class_index : out {vector(self.class_bits)}"]
        for stage in self.found if debug else ():
            n = stage.node.name
            lines += [f"dbg_{n}_valid, dbg_{n}_stepped : out std_logic"]
            lines += [f"dbg_{n}_data : out {vector(self.pixel_bits(n))}"]
        return ";\n    ".join(lines)

    def core(self) -> str:
        """The entity `{name}_core`, with the ports that the test bench listens to."""
        source = self.network.nodes[0].name
        links = [self._link(node.name) for node in self.network.nodes]
        engines = [self._stage(stage) for stage in self.found]
        signals = "".join(declared for declared, _ in (*links, *engines))
        parts = "".join(text for _, text in (*links, *engines))
        return f"""-- A stage a node; a pixel moves where valid and ready are both high, to all that
-- read a node at once.
{HEAD}use work.nn_pkg.all;

entity {self.name}_core is
  port (
    {self.ports(debug=True)}
  );
end entity;

architecture rtl of {self.name}_core is
{signals}begin
  t_{source}_valid <= x_valid;
  x_ready <= t_{source}_ready;
  t_{source}_data <= x_data;

{parts}{self._argmax()}end architecture;
"""

    def top(self) -> str:
        """The entity `name`: the core without the test bench's ports, which synthesis prunes."""
        own = ["clk", "x_valid", "x_ready", "x_data", "done", "class_index"]
        mapped = [f"{one} => {one}" for one in own]
        for stage in self.found:
            n = stage.node.name
            mapped += [f"dbg_{n}_{what} => open" for what in ("valid", "stepped", "data")]
        return f"""-- Pixels go in, all channels of one at a time, row by row, where x_valid and
-- x_ready are both high; done is high for a cycle when class_index is a picture's answer.
{HEAD}
entity {self.name} is
  port (
    {self.ports(debug=False)}
  );
end entity;

architecture rtl of {self.name} is
begin
  core : entity work.{self.name}_core
    port map (
      {listed(mapped)}
    );
end architecture;
"""

    def _takers(self, name: str) -> list[tuple[str, int]]:
        """(node, input) of all that read a node; ("", 0) is the search for the class."""
        found = [(stage.node.name, place) for stage, place in readers(self.found, name)]
        return [*found, ("", 0)] if name == self.network.answer else found

    def _reader(self, name: str, taker: str, place: int) -> str:
        return f"r_{name}_{self._takers(name).index((taker, place))}"

    def _link(self, name: str) -> tuple[str, str]:
        """A node's pixel, and who takes it: all of them at once, or nobody."""
        ready = [f"r_{name}_{k}_ready" for k in range(len(self._takers(name)))]
        signals = f"""  signal t_{name}_valid, t_{name}_ready : std_logic;
  signal t_{name}_data : {vector(self.pixel_bits(name))};
"""
        lines = f"  t_{name}_ready <= {' and '.join(ready) or chr(39) + '1' + chr(39)};\n"
        for k, own in enumerate(ready):
            signals += f"  signal {own}, r_{name}_{k}_valid : std_logic;\n"
            others = [f"t_{name}_valid", *(one for one in ready if one != own)]
            lines += f"  r_{name}_{k}_valid <= {' and '.join(others)};\n"
        return signals, lines

    def _stage(self, stage: Stage) -> tuple[str, str]:
        """Its signals and its instances."""
        n = stage.node.name
        signals, text = self._inputs(stage)
        mapped = ["clk => clk", *self._input_ports(stage), f"stepped => dbg_{n}_stepped"]
        mapped += [f"out_{what} => t_{n}_{what}" for what in ("valid", "ready", "data")]
        if weighted(stage):
            signals += f"  signal e_{n}_re : std_logic;\n"
            mapped.append(f"re => e_{n}_re")
            for kind, (words, width) in zip("wb", sizes_of(stage), strict=True):
                signals += f"  signal {kind}_{n}_ra : {vector(address_bits(words))};\n"
                signals += f"  signal {kind}_{n}_rd : {vector(width)};\n"
                mapped += [f"{kind}_ra => {kind}_{n}_ra", f"{kind}_rd => {kind}_{n}_rd"]
                text += f"""  rom_{kind}_{n} : entity work.{self.name}_{kind}_{n}
    port map (clk => clk, re => e_{n}_re, ra => {kind}_{n}_ra, rd => {kind}_{n}_rd);
"""
        return (
            signals,
            f"""
  -- {told(stage.node)}: {stage.steps} steps, {stage.multipliers} multipliers
{text}  engine_{n} : entity work.{_entity(stage)}
    generic map (
      {generic_map(_generics(stage))}
    )
    port map (
      {listed(mapped)}
    );
  dbg_{n}_valid <= t_{n}_valid and t_{n}_ready;
  dbg_{n}_data <= t_{n}_data;
""",
        )

    def _input_ports(self, stage: Stage) -> list[str]:
        n = stage.node.name
        if joins(stage):
            return [f"in_{what} => j_{n}_{what}" for what in ("valid", "ready", "data")]
        source = stage.source.name
        reader = self._reader(source, n, 0)
        return [
            f"in_valid => {reader}_valid",
            f"in_ready => {reader}_ready",
            f"in_data => t_{source}_data",
        ]

    def _inputs(self, stage: Stage) -> tuple[str, str]:
        """The FIFOs before a join, of which it takes a pixel each at once."""
        if not joins(stage):
            return "", ""
        n = stage.node.name
        places = range(len(stage.sources))
        width = sum(self.pixel_bits(source.name) for source in stage.sources)
        signals = f"""  signal j_{n}_valid, j_{n}_ready, j_{n}_taken : std_logic;
  signal j_{n}_data : {vector(width)};
"""
        text = f"""  j_{n}_valid <= {" and ".join(f"f_{n}_{k}_valid" for k in places)};
  j_{n}_taken <= j_{n}_valid and j_{n}_ready;
  j_{n}_data <= {" & ".join(f"f_{n}_{k}_data" for k in reversed(places))};
"""
        for k, source in enumerate(stage.sources):
            bits, reader = self.pixel_bits(source.name), self._reader(source.name, n, k)
            signals += f"  signal f_{n}_{k}_valid : std_logic;\n"
            signals += f"  signal f_{n}_{k}_data : {vector(bits)};\n"
            text += f"""  fifo_{n}_{k} : entity work.ns_fifo
    generic map (DEPTH => {self.depths[n, k]}, WIDTH => {bits})
    port map (
      clk => clk, in_valid => {reader}_valid, in_ready => {reader}_ready,
      in_data => t_{source.name}_data,
      out_valid => f_{n}_{k}_valid, out_ready => j_{n}_taken, out_data => f_{n}_{k}_data
    );
"""
        return signals, text

    def _argmax(self) -> str:
        answer = self.network.node(self.network.answer)
        reader = self._reader(answer.name, "", 0)
        return f"""
  class_finder : entity work.ns_argmax
    generic map (
      PIXELS => {math.prod(answer.shape[:2])}, CHANNELS => {answer.shape[2]},
      XB => {answer.format.bits}, XS => {str(answer.format.signed).lower()},
      CLASS_BITS => {self.class_bits}
    )
    port map (
      clk => clk, in_valid => {reader}_valid, in_ready => {reader}_ready,
      in_data => t_{answer.name}_data, done => done, class_index => class_index
    );
"""


def _entity(stage: Stage) -> str:
    names: dict[type, str] = {Add: "ns_add", Concat: "ns_concat", Reshape: "ns_reshape"}
    names |= {MaxPool: "ns_pool", AveragePool: "ns_pool"}
    return names.get(type(stage.work), "ns_mac")


def _generics(stage: Stage) -> Generics:
    work, node, source = stage.work, stage.node, stage.source
    if isinstance(work, Reshape):
        channels = {"IC": source.shape[2], "OC": node.shape[2]}
        return {**channels, "SHARE": stage.share, "XB": node.format.bits}
    if isinstance(work, (Add, Concat)):
        return _joined(stage, work)
    return _walking(stage, work)


def _rounding(rounding: Rounding) -> Generics:
    leak = rounding.leak
    return {
        "SHIFT": rounding.shift,
        "LOW": rounding.low,
        "HIGH": rounding.high,
        "LEAK_FACTOR": leak.factor if leak else 0,
        "LEAK_BITS": leak.bits if leak else -1,
    }


def _joined(stage: Stage, work: Add | Concat) -> Generics:
    forms = [source.format for source in stage.sources]
    channels = [source.shape[2] for source in stage.sources]
    common: Generics = {
        "INPUTS": len(forms),
        "BITS": [form.bits for form in forms],
        "SIGNS": [int(form.signed) for form in forms],
        "XW": sum(form.bits * count for form, count in zip(forms, channels, strict=True)),
        "YB": stage.node.format.bits,
    }
    if isinstance(work, Add):
        own: Generics = {"CHANNELS": stage.node.shape[2], "SHIFTS": list(work.left_shifts)}
        return common | own | {"SB": work.sum_bits} | _rounding(work.rounding)
    first = work.roundings[0]
    return common | {
        "OC": stage.node.shape[2],
        "CHANNELS": channels,
        "SHIFTS": [rounding.shift for rounding in work.roundings],
        "LOW": first.low,
        "HIGH": first.high,
    }


def _walking(stage: Stage, work: Walking) -> Generics:
    node, source = stage.node, stage.source
    window = work.window
    common: Generics = {
        "IH": source.shape[0],
        "IW": source.shape[1],
        "IC": source.shape[2],
        "OH": node.shape[0],
        "OW": node.shape[1],
        "KH": window.kernel[0],
        "KW": window.kernel[1],
        "SH": window.stride[0],
        "SW": window.stride[1],
        "DH": window.dilation[0],
        "DW": window.dilation[1],
        "PT": window.padding[0],
        "PL": window.padding[2],
        "ROWS": stage.rows,
        "XB": source.format.bits,
        "XS": source.format.signed,
        "YB": node.format.bits,
    }
    rounding = Rounding(0, 0, 0) if isinstance(work, MaxPool) else work.rounding
    common |= _rounding(rounding)
    if isinstance(work, (MaxPool, AveragePool)):
        multipliers = [0] * (math.prod(window.kernel) + 1)
        for count, multiplier in work.multipliers if isinstance(work, AveragePool) else ():
            multipliers[count] = multiplier
        return common | {
            "MEAN": isinstance(work, AveragePool),
            "MULTIPLIERS": multipliers,
            "MB": signed_bits(0, max(multipliers)),
            "SB": work.sum_bits if isinstance(work, AveragePool) else 2,
        }
    (words, _), (groups, width) = sizes_of(stage)
    return common | {
        "OC": node.shape[2],
        "LANES": stage.lanes,
        "CHANNELS": stage.channels,
        "PER_CHANNEL": isinstance(work, Depthwise),
        "WB": work.weight_format.bits,
        "BB": width // stage.lanes,
        "SB": work.sum_bits,
        "WADDR": address_bits(words),
        "BADDR": address_bits(groups),
    }
