"""Every file of an export: library, memories, top, test bench, Makefile, README, manifest."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Final

from fpga_export.core.ir import Codes, Network
from fpga_export.core.names import identifier
from fpga_export.core.network_json import FILE, network_json
from fpga_export.core.vhdl.cycles import CLASS, efficiency, macs, predict
from fpga_export.core.vhdl.readme import readme
from fpga_export.core.vhdl.testbench import test_bench, vectors
from fpga_export.core.vhdl.verilog_bench import FOLDER, verilog_bench
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
MANIFEST: Final = "design.json"
MOST_LANES: Final = 64


def design(
    network: Network,
    *,
    lanes: int,
    pictures: Sequence[Codes],
    name: str,
    library: Mapping[str, str],
) -> dict[str, str]:
    """{path: text} of the export. `name` may be anything; `library` the texts of `LIBRARY`.

    `make sim` in it needs GHDL and nothing else.
    """
    if not 1 <= lanes <= MOST_LANES:
        raise ValueError(f"{lanes} lanes; a core has 1 to {MOST_LANES}")
    name = top_name(name)
    wiring = Wiring(network, lanes, name)
    roms = {f"rom/{entity}.vhd": text for entity, text in wiring.roms().items()}
    core = [*(f"lib/{one}" for one in LIBRARY), *roms, f"{name}_core.vhd", f"{name}.vhd"]
    bench = [f"sim/{name}_vectors.vhd", f"sim/{name}_tb.vhd"]
    facts = manifest(network, lanes=lanes, pictures=len(pictures), name=name, core=core)
    return {
        **verilog_bench(wiring, pictures),
        **{f"lib/{one}": library[one] for one in LIBRARY},
        **roms,
        f"{name}_core.vhd": wiring.core(),
        f"{name}.vhd": wiring.top(),
        bench[0]: vectors(wiring, pictures),
        bench[1]: test_bench(wiring),
        "Makefile": makefile(name, core, bench),
        "README.md": readme(wiring, facts),
        FILE: network_json(network),
        MANIFEST: json.dumps(facts | {"bench": bench}, indent=1) + "\n",
    }


def top_name(name: str) -> str:
    """The entity's name for a network that somebody called `name`; never one of the library's."""
    plain = identifier(name)
    return f"core_{plain}" if plain.startswith("nn_") or plain == "nn" else plain


def manifest(
    network: Network, *, lanes: int, pictures: int, name: str, core: Sequence[str]
) -> dict[str, object]:
    """What a program must know of the export: `design.json`."""
    cycles = predict(network, lanes=lanes)
    layers = [
        {
            "name": node.name,
            "layers": list(node.layers),
            "kind": type(node.operation).__name__,
            "shape": list(node.shape),
            "format": [node.format.bits, node.format.fraction],
            "signed": node.format.signed,
            "values": math.prod(node.shape),
            "macs": macs(node),
            "cycles": cycles[node.name],
        }
        for node in network.nodes[1:]
    ]
    return {
        "schema": network.schema,
        "network": network.name,
        "name": name,
        "preset": "compact",
        "lanes": lanes,
        "pictures": pictures,
        "layers": layers,
        "class_cycles": cycles[CLASS],
        "cycles": sum(cycles.values()),
        "macs": sum(macs(node) for node in network.nodes),
        "efficiency": round(efficiency(network, lanes=lanes), 4),
        "core": list(core),
    }


def makefile(name: str, core: Sequence[str], bench: Sequence[str]) -> str:
    """Runs the test bench in one of four simulators."""
    joined = " \\\n  ".join(core)
    return f"""# make sim        simulate with GHDL: every value of every layer is compared
# make sim-nvc    the same with NVC        make sim-modelsim   with ModelSim or Questa
# make sim-xsim   with Vivado's simulator  make netlist        Verilog, by GHDL's synthesis
# make sim-netlist the Verilog in Icarus: every value again, past the synthesis
# THROUGH=3       stop after the third engine, with the first picture
CORE = {joined}
BENCH = {" ".join(bench)}
TOP = {name}_tb

.PHONY: sim sim-nvc sim-modelsim sim-xsim netlist sim-netlist clean
sim:
	mkdir -p build
	cd build && ghdl -a --std=08 $(addprefix ../,$(CORE) $(BENCH))
	cd build && ghdl -e --std=08 $(TOP)
	cd build && ghdl -r --std=08 $(TOP) --ieee-asserts=disable-at-0 \\
		$(if $(THROUGH),-gTHROUGH=$(THROUGH))

sim-nvc:
	nvc --std=2008 -a $(CORE) $(BENCH) -e $(if $(THROUGH),-gTHROUGH=$(THROUGH)) $(TOP) -r $(TOP)

sim-modelsim:
	vlib work
	vcom -2008 $(CORE) $(BENCH)
	vsim -c $(if $(THROUGH),-gTHROUGH=$(THROUGH)) \\
		-do "onbreak {{quit -code 1}}; run -all; quit" $(TOP)

sim-xsim:
	xvhdl -2008 $(CORE) $(BENCH)
	xelab -debug off -s $(TOP) $(if $(THROUGH),-generic_top "THROUGH=$(THROUGH)") work.$(TOP)
	xsim $(TOP) -runall -log bench.log
	grep -q PASS: bench.log

netlist: build/{name}.v
build/{name}.v: $(CORE)
	mkdir -p build
	cd build && ghdl -a --std=08 $(addprefix ../,$(CORE))
	cd build && ghdl --synth --std=08 --out=verilog {name} > {name}.v.new
	mv $@.new $@

sim-netlist: build/{name}.v
	cd build && iverilog -g2005 -o netlist.vvp ../{FOLDER}/netlist_tb.v {name}.v
	cd build && vvp -n netlist.vvp | tee netlist.log && grep -qx PASS netlist.log

clean:
	rm -rf build work xsim.dir bench.log
"""
