"""The generated top of a compact core: memories and engines, started one after the other."""

from dataclasses import dataclass

from fpga_export.core.ir import Conv, Depthwise, Network, Node
from fpga_export.core.memories import remark
from fpga_export.core.vhdl.engines import entity_of, generic_map, generics
from fpga_export.core.vhdl.packing import (
    address_bits,
    bias_memory,
    pack_of,
    weight_memory,
    words_of,
)
from fpga_export.core.vhdl.rom import HEAD, rom


@dataclass(frozen=True, slots=True, eq=False)
class Wiring:
    """A network with its lanes and the name of its top entity; every method gives VHDL.

    A node's name stands between a prefix and an ending of ours, so that no two nodes' names, nor a
    node's and a port's, can make the same signal: `t_` its tensor's memory, `x_` what its engine
    reads, `w_` and `b_` its weights and biases.
    """

    network: Network
    lanes: int
    name: str

    @property
    def engines(self) -> tuple[Node, ...]:
        """The nodes that compute; engine k is the k-th of them, counted from 1."""
        return self.network.nodes[1:]

    @property
    def class_bits(self) -> int:
        """Bits of the class index."""
        height, width, channels = self.network.node(self.network.answer).shape
        return address_bits(height * width * channels)

    def word_bits(self, node: Node) -> int:
        """Bits of a word of the node's tensor."""
        return pack_of(node, self.lanes) * node.format.bits

    def address_bits(self, node: Node) -> int:
        """Bits of an address in the node's tensor."""
        return address_bits(words_of(node.shape, self.lanes))

    def ports(self, *, debug: bool) -> str:
        """The port list; with `debug` also what each node writes, and when."""
        source = self.network.nodes[0]
        lines = [
            "clk   : in  std_logic",
            "start : in  std_logic",
            "done  : out std_logic",
            "x_we  : in  std_logic",
            f"x_wa  : in  {vector(self.address_bits(source))}",
            f"x_wd  : in  {vector(self.word_bits(source))}",
            f"class_index : out {vector(self.class_bits)}",
        ]
        if debug:
            count = len(self.network.nodes)
            lines.append(f"dbg_start, dbg_done : out std_logic_vector(1 to {count})")
            for node in self.engines:
                lines.append(f"dbg_{node.name}_we : out std_logic")
                lines.append(f"dbg_{node.name}_wa : out {vector(self.address_bits(node))}")
                lines.append(f"dbg_{node.name}_wd : out {vector(self.word_bits(node))}")
        return ";\n    ".join(lines)

    def core(self) -> str:
        """The entity `{name}_core`, with the ports that the test bench listens to."""
        count = len(self.network.nodes)
        signals = "".join(self._signals(node) for node in self.network.nodes)
        parts = [self._source()]
        for position, node in enumerate(self.engines, start=1):
            parts += [self._engine(node, position), self._memory(node)]
        return f"""-- A memory for each tensor, an engine for each node, one engine at a time.
{HEAD}use work.nn_pkg.all;

entity {self.name}_core is
  port (
    {self.ports(debug=True)}
  );
end entity;

architecture rtl of {self.name}_core is
  signal begins, ends, active : std_logic_vector(1 to {count}) := (others => '0');
  signal class_ra : {vector(self.address_bits(self.network.node(self.network.answer)))};
{signals}begin
  -- Engine 1 waits for start, each other one for the one before it; the last finds the class.
  begins(1) <= start;
  begins(2 to {count}) <= ends(1 to {count - 1});
  done <= ends({count});
  dbg_start <= begins;
  dbg_done <= ends;
  process (clk)
  begin
    if rising_edge(clk) then
      active <= (active and not ends) or begins;
    end if;
  end process;

{"".join(parts)}{self._argmax()}end architecture;
"""

    def top(self) -> str:
        """The entity `name`: the core without the test bench's ports, which synthesis prunes."""
        own = ["clk", "start", "done", "x_we", "x_wa", "x_wd", "class_index"]
        unused = ["dbg_start", "dbg_done"]
        unused += [
            f"dbg_{node.name}_{what}" for node in self.engines for what in ("we", "wa", "wd")
        ]
        mapped = [f"{one} => {one}" for one in own] + [f"{one} => open" for one in unused]
        return f"""-- Write the picture through x_we, x_wa and x_wd, and raise start for a cycle;
-- when done is high, for a cycle, class_index is the answer.
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

    def roms(self) -> dict[str, str]:
        """The memories of weights and biases by their entity's name."""
        found = {}
        for node in self.engines:
            if isinstance(node.operation, (Conv, Depthwise)):
                own = pack_of(node, self.lanes)
                form = node.operation.weight_format
                layers, n = told(node), node.name
                about = f"Weights of {layers}: {form.bits} bits, {form}, {own} a word."
                weights = weight_memory(node.operation, own)
                entity = f"{self.name}_w_{n}"
                found[entity] = rom(entity, weights, about=about)
                about = f"Biases of {layers}: {own} a word."
                biases = bias_memory(node.operation, own)
                entity = f"{self.name}_b_{n}"
                found[entity] = rom(entity, biases, about=about)
        return found

    def _signals(self, node: Node) -> str:
        address, word = vector(self.address_bits(node)), vector(self.word_bits(node))
        n = node.name
        text = f"""  signal t_{n}_we, t_{n}_re : std_logic := '0';
  signal t_{n}_wa, t_{n}_ra : {address} := (others => '0');
  signal t_{n}_wd, t_{n}_rd : {word};
"""
        if node is not self.network.nodes[0]:
            values = generics(self.network, node, self.lanes)
            text += f"  signal x_{n}_ra : {vector(_asked_bits(node, values))};\n"
            if entity_of(node) == "nn_mac":
                for kind, bits in (("w", "WADDR"), ("b", "BADDR")):
                    text += f"  signal {kind}_{n}_ra : {vector(int(str(values[bits])))};\n"
                for kind, bits in (("w", "WB"), ("b", "BB")):
                    width = int(str(values[bits])) * pack_of(node, self.lanes)
                    text += f"  signal {kind}_{n}_rd : {vector(width)};\n"
        return text

    def _readers(self, name: str) -> list[tuple[int, str]]:
        """(engine, the address that it asks for) of all that read a tensor."""
        found = []
        high = self.address_bits(self.network.node(name)) - 1
        for position, node in enumerate(self.engines, start=1):
            each = 0
            if entity_of(node) == "nn_copy":
                each = int(str(generics(self.network, node, self.lanes)["ADDR"]))
            bases = [i * each for i, source in enumerate(node.inputs) if source == name]
            # A copy asks one of its inputs at a time, and the others for address 0.
            slices = dict.fromkeys(f"x_{node.name}_ra({b + high} downto {b})" for b in bases)
            if slices:
                found.append((position, f"({' or '.join(slices)})"))
        if name == self.network.answer:
            found.append((len(self.network.nodes), "class_ra"))
        return found

    def _memory(self, node: Node) -> str:
        """The tensor's memory, read by whichever of its readers is at work."""
        n = node.name
        asked = self._readers(n)
        lines = ""
        if asked:
            choices = [f"{text} when active({position}) = '1'" for position, text in asked[:-1]]
            enabled = " or ".join(f"active({one})" for one in dict.fromkeys(p for p, _ in asked))
            lines = f"""  t_{n}_ra <= {" else ".join([*choices, asked[-1][1]])};
  t_{n}_re <= {enabled};
"""
        depth = max(2, words_of(node.shape, self.lanes))
        size = (
            f"DEPTH => {depth}, WIDTH => {self.word_bits(node)}, ADDR => {self.address_bits(node)}"
        )
        return f"""{lines}  memory_{n} : entity work.nn_ram
    generic map ({size})
    port map (
      clk => clk, we => t_{n}_we, wa => t_{n}_wa, wd => t_{n}_wd,
      re => t_{n}_re, ra => t_{n}_ra, rd => t_{n}_rd
    );

"""

    def _source(self) -> str:
        node = self.network.nodes[0]
        n = node.name
        wires = f"  t_{n}_we <= x_we;\n  t_{n}_wa <= x_wa;\n  t_{n}_wd <= x_wd;\n"
        return wires + self._memory(node)

    def _engine(self, node: Node, position: int) -> str:
        n = node.name
        # The first input's word at the right end.
        words = " & ".join(f"t_{name}_rd" for name in reversed(node.inputs))
        mapped = [
            "clk => clk",
            f"start => begins({position})",
            f"done => ends({position})",
            f"x_ra => x_{n}_ra",
            f"x_rd => x_{n}_rd",
            f"y_we => t_{n}_we",
            f"y_wa => t_{n}_wa",
            f"y_wd => t_{n}_wd",
        ]
        roms = ""
        if entity_of(node) == "nn_mac":
            for kind in ("w", "b"):
                mapped += [f"{kind}_ra => {kind}_{n}_ra", f"{kind}_rd => {kind}_{n}_rd"]
                roms += f"""  rom_{kind}_{n} : entity work.{self.name}_{kind}_{n}
    port map (clk => clk, re => active({position}), ra => {kind}_{n}_ra, rd => {kind}_{n}_rd);
"""
        width = sum(self.word_bits(self.network.node(name)) for name in node.inputs)
        return f"""  -- {told(node)}: {" x ".join(map(str, node.shape))}, {node.format}
  engine_{n} : block
    signal x_{n}_rd : {vector(width)};
  begin
    x_{n}_rd <= {words};
    engine : entity work.{entity_of(node)}
    generic map (
      {generic_map(generics(self.network, node, self.lanes))}
    )
    port map (
      {listed(mapped)}
    );
  end block;
{roms}  dbg_{n}_we <= t_{n}_we;
  dbg_{n}_wa <= t_{n}_wa;
  dbg_{n}_wd <= t_{n}_wd;
"""

    def _argmax(self) -> str:
        answer = self.network.node(self.network.answer)
        last = len(self.network.nodes)
        pixels = answer.shape[0] * answer.shape[1]
        sizes = f"ADDR => {self.address_bits(answer)}, CLASS_BITS => {self.class_bits}"
        return f"""  class_finder : entity work.nn_argmax
    generic map (
      PIXELS => {pixels}, CHANNELS => {answer.shape[2]}, LANES => {pack_of(answer, self.lanes)},
      XB => {answer.format.bits},
      XS => {str(answer.format.signed).lower()}, {sizes}
    )
    port map (
      clk => clk, start => begins({last}), done => ends({last}), x_ra => class_ra,
      x_rd => t_{answer.name}_rd, class_index => class_index
    );
"""


def told(node: Node) -> str:
    """The Keras layers that the node does the work of, for a comment: strangers named them."""
    return remark(", ".join(node.layers))


def vector(bits: int) -> str:
    """The type of that many bits."""
    return f"std_logic_vector({bits - 1} downto 0)"


def listed(associations: list[str]) -> str:
    """Associations, a line each."""
    return ",\n      ".join(associations)


def _asked_bits(node: Node, values: dict[str, int | bool | list[int]]) -> int:
    """Bits of all addresses that the engine gives out."""
    bits = int(str(values["ADDR"]))
    return bits * len(node.inputs) if entity_of(node) == "nn_copy" else bits
