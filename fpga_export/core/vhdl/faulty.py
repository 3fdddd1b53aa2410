"""A core with faults in its memories, and a test bench that expects what the integers say of it.

Weights that are hit stand in the ROMs. A tensor that is hit gets a memory that changes words as
they are written: those that this picture's codes differ in. So a simulation that passes confirms
every value of every layer behind the fault.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from fpga_export.core.faults import Fault, faulted, faulty_run
from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import Codes, Network, Node
from fpga_export.core.vhdl.design import MANIFEST, design, top_name
from fpga_export.core.vhdl.packing import tensor_words
from fpga_export.core.vhdl.rom import HEAD
from fpga_export.core.vhdl.testbench import vectors
from fpga_export.core.vhdl.wiring import Wiring

PLAIN: Final = "lib/nn_ram.vhd"


def faulty_design(
    network: Network,
    faults: Sequence[Fault],
    seed: int,
    *,
    lanes: int,
    picture: Codes,
    name: str,
    library: Mapping[str, str],
) -> dict[str, str]:
    """{path: text} as of `design`, with the faults in. Raises `BadFault`."""
    broken = faulted(network, faults, seed)
    run = faulty_run(network, run_integer(network, picture[None]), faults, seed)
    files = design(broken, lanes=lanes, pictures=[picture], name=name, library=library)
    top = top_name(name)
    written = {node: codes[0] for node, codes in run.written.items()}
    classes = [int(one) for one in answers(broken, run.stored)]
    wiring = Wiring(broken, lanes, top)
    bench = vectors(wiring, [picture], runs=[written], classes=classes)
    files[f"sim/{top}_vectors.vhd"] = bench
    files["README.md"] = _warning(faults, seed) + files["README.md"]
    for node in broken.nodes:
        masks = _masks(node, run.written[node.name][0], run.stored[node.name][0], lanes)
        if masks:
            _put_in(files, top, node, _memory(node, masks, wiring.word_bits(node)))
    return files


def _masks(node: Node, written: Codes, stored: Codes, lanes: int) -> dict[int, int]:
    """{address: bits that differ}."""
    pairs = zip(
        tensor_words(written, bits=node.format.bits, lanes=lanes),
        tensor_words(stored, bits=node.format.bits, lanes=lanes),
        strict=True,
    )
    return {address: meant ^ kept for address, (meant, kept) in enumerate(pairs) if meant != kept}


def _put_in(files: dict[str, str], top: str, node: Node, memory: str) -> None:
    """Exchange the memory of `node`."""
    plain = f"memory_{node.name} : entity work.nn_ram\n"
    core, path = files[f"{top}_core.vhd"], f"fault/nn_hit_{node.name}.vhd"
    assert core.count(plain) == 1
    files[f"{top}_core.vhd"] = core.replace(plain, plain.replace("nn_ram", f"nn_hit_{node.name}"))
    files[path] = memory
    files["Makefile"] = files["Makefile"].replace(PLAIN, f"{PLAIN} {path}", 1)
    facts = json.loads(files[MANIFEST])
    facts["core"].insert(facts["core"].index(PLAIN) + 1, path)
    files[MANIFEST] = json.dumps(facts, indent=1) + "\n"


def _memory(node: Node, masks: Mapping[int, int], width: int) -> str:
    choices = "".join(
        f'      when {address} => return word xor "{mask:0{width}b}";\n'
        for address, mask in masks.items()
    )
    entity = f"nn_hit_{node.name}"
    return f"""-- As nn_ram, with faults: these bits are wrong in what is written.
{HEAD}
entity {entity} is
  generic (
    DEPTH : positive;
    WIDTH : positive;
    ADDR  : positive
  );
  port (
    clk : in  std_logic;
    we  : in  std_logic;
    wa  : in  std_logic_vector(ADDR - 1 downto 0);
    wd  : in  std_logic_vector(WIDTH - 1 downto 0);
    re  : in  std_logic;
    ra  : in  std_logic_vector(ADDR - 1 downto 0);
    rd  : out std_logic_vector(WIDTH - 1 downto 0) := (others => '0')
  );
end entity;

architecture rtl of {entity} is
  type words is array (0 to DEPTH - 1) of std_logic_vector(WIDTH - 1 downto 0);
  signal memory : words := (others => (others => '0'));

  function hit(address : natural; word : std_logic_vector(WIDTH - 1 downto 0))
    return std_logic_vector is
  begin
    case address is
{choices}      when others => return word;
    end case;
  end function;
begin
  process (clk)
  begin
    if rising_edge(clk) then
      if we = '1' then
        memory(to_integer(unsigned(wa))) <= hit(to_integer(unsigned(wa)), wd);
      end if;
      if re = '1' then
        rd <= memory(to_integer(unsigned(ra)));
      end if;
    end if;
  end process;
end architecture;
"""


def _warning(faults: Sequence[Fault], seed: int) -> str:
    listed = "".join(f"- {_told(fault)}\n" for fault in faults)
    return f"""# A core with faults in it, for research

Its answers are wrong on purpose. The test bench passes where the circuit is wrong exactly as the
integer model says. Seed {seed}:

{listed}
"""


def _told(fault: Fault) -> str:
    if fault.positions is not None:
        amount = f"positions {', '.join(map(str, fault.positions))}"
    else:
        amount = f"rate {fault.rate}" if fault.hits is None else f"{fault.hits} hit(s)"
    bits = "all bits" if fault.bits is None else f"bits {', '.join(map(str, fault.bits))}"
    return f"{fault.kind} in the {fault.target} of `{fault.node}`: {amount}, {bits}"
