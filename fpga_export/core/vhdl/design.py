"""Every file of an export: library, memories, top, test bench, Makefile."""

from collections.abc import Mapping, Sequence
from typing import Final

from fpga_export.core.ir import Codes, Network
from fpga_export.core.vhdl.testbench import test_bench, vectors
from fpga_export.core.vhdl.wiring import Wiring

LIBRARY: Final = (
    "nn_pkg.vhd",
    "nn_ram.vhd",
    "nn_walk.vhd",
    "nn_mac.vhd",
    "nn_pool.vhd",
    "nn_add.vhd",
    "nn_copy.vhd",
    "nn_argmax.vhd",
)


def design(
    network: Network,
    *,
    lanes: int,
    pictures: Sequence[Codes],
    name: str,
    library: Mapping[str, str],
) -> dict[str, str]:
    """{path: text} of the export. `name` is a VHDL identifier; `library` the texts of `LIBRARY`.

    `make sim` in it needs a simulator and nothing else.
    """
    wiring = Wiring(network, lanes, name)
    files = {f"lib/{one}": library[one] for one in LIBRARY}
    roms = {f"rom/{entity}.vhd": text for entity, text in wiring.roms().items()}
    files |= roms
    files |= {
        f"{name}_core.vhd": wiring.core(),
        f"{name}.vhd": wiring.top(),
        f"sim/{name}_vectors.vhd": vectors(wiring, pictures),
        f"sim/{name}_tb.vhd": test_bench(wiring),
    }
    return files | {"Makefile": makefile(name, list(roms))}


def sources(name: str, roms: Sequence[str]) -> list[str]:
    """The files that are synthesised, in the order in which a tool must read them."""
    return [*(f"lib/{one}" for one in LIBRARY), *roms, f"{name}_core.vhd", f"{name}.vhd"]


def makefile(name: str, roms: Sequence[str]) -> str:
    """Runs the test bench in one of four simulators."""
    core = " \\\n  ".join(sources(name, roms))
    return f"""# make sim        simulate with GHDL: every value of every layer is compared
# make sim-nvc    the same with NVC       make sim-modelsim   with ModelSim or Questa
# make sim-xsim   with Vivado's simulator  make netlist        Verilog, by GHDL's synthesis
CORE = {core}
BENCH = sim/{name}_vectors.vhd sim/{name}_tb.vhd
TOP = {name}_tb

.PHONY: sim sim-nvc sim-modelsim sim-xsim netlist clean
sim:
\tmkdir -p build
\tghdl -a --std=08 --workdir=build $(CORE) $(BENCH)
\tcd build && ghdl -e --std=08 $(TOP)
\tcd build && ghdl -r --std=08 $(TOP) --ieee-asserts=disable-at-0

sim-nvc:
\tnvc --std=2008 -a $(CORE) $(BENCH) -e $(TOP) -r $(TOP)

sim-modelsim:
\tvlib work
\tvcom -2008 $(CORE) $(BENCH)
\tvsim -c -do "onbreak {{quit -code 1}}; run -all; quit" $(TOP)

sim-xsim:
\txvhdl -2008 $(CORE) $(BENCH)
\txelab -debug off $(TOP)
\txsim -runall $(TOP)

netlist: build/{name}.v
build/{name}.v: $(CORE)
\tmkdir -p build
\tghdl -a --std=08 --workdir=build $(CORE)
\tghdl --synth --std=08 --workdir=build --out=verilog {name} > $@.new
\tmv $@.new $@

clean:
\trm -rf build work xsim.dir
"""
