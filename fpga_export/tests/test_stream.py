"""Streams: every pixel of every layer, with and without pauses, and the cycles of a picture."""

import math
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import (
    Add,
    Codes,
    Concat,
    Conv,
    Format,
    MaxPool,
    Network,
    Node,
    Pad,
    Rounding,
    Source,
    Window,
)
from fpga_export.core.passes import NotForHardware
from fpga_export.core.vhdl.stream import STREAM_LIBRARY, interval, stages
from fpga_export.core.vhdl.stream_design import stream_design
from fpga_export.simulators import Verdict, library, simulate, write
from fpga_export.tests.ghdl import ghdl, needs
from fpga_export.tests.random_networks import Grower, random_picture
from fpga_export.tests.test_hdl_traps import BYTE, conv, source

KINDS = ("conv", "conv", "depthwise", "max", "mean", "pad", "add", "dense")
LANES = (1, 2, 3, 4, 8, 16)


def random_chain(seed: int) -> Network:
    """Up to five nodes, each reading the one before it."""
    grower = Grower(np.random.default_rng(seed))
    size = grower.pick(1, 7), grower.pick(1, 7), grower.pick(1, 6)
    grower.add(Source(), [], size, grower.form())
    for _ in range(grower.pick(1, 5)):
        before, kind = grower.nodes[-1], str(grower.rng.choice(KINDS))
        if math.prod(before.shape) > 600:
            break
        if kind in {"conv", "depthwise", "dense"}:
            grower._product(kind, before)
        elif kind in {"max", "mean"}:
            grower._pool(kind, before)
        elif kind == "pad":
            sides = (grower.pick(0, 2), grower.pick(0, 2), grower.pick(0, 2), grower.pick(0, 2))
            height, width, channels = before.shape
            shape = (height + sum(sides[:2]), width + sum(sides[2:]), channels)
            grower.add(Pad(sides), [before], shape, before.format)
        else:
            bits, form = before.format.bits + 3, grower.form()
            operation = Add((3,), bits, grower.rounding(form, bits))
            grower.add(operation, [before], before.shape, form)
    return Network(f"chain {seed}", tuple(grower.nodes), grower.nodes[-1].name)


def simulated(network: Network, folder: Path, *, lanes: int, pictures: list[Codes]) -> Verdict:
    texts = library(STREAM_LIBRARY)
    write(stream_design(network, lanes=lanes, pictures=pictures, name="dut", library=texts), folder)
    return simulate(folder)


@pytest.mark.parametrize("first", range(0, 60, 20))
def test_random_chains_equal_the_integer_network_at_every_pixel(first: int, tmp_path: Path) -> None:
    needs("ghdl")
    for seed in range(first, first + 20):
        network, folder = random_chain(seed), tmp_path / str(seed)
        pictures = [random_picture(network, seed + i) for i in range(3)]
        verdict = simulated(network, folder, lanes=LANES[seed % 6], pictures=pictures)
        assert verdict.label == "verified", f"seed {seed}: {verdict.log}"
        assert verdict.values == 3 * sum(math.prod(node.shape) for node in network.nodes[1:])
        top = ["-r", "--std=08", "dut_tb", "-gGAPS=3", "--ieee-asserts=disable-at-0"]
        assert "PASS" in ghdl(folder / "build", *top), f"seed {seed} with pauses"


def two_layers() -> Network:
    """12 x 12, a convolution of 3 x 3 with eight outputs, a maximum, four classes."""
    picture = source((12, 12, 1))
    first = conv(picture, outputs=8, name="first", window=Window((3, 3)), shape=(10, 10, 8))
    pool = Node("pool", ("pool",), ("first",), (5, 5, 8), BYTE, MaxPool(Window((2, 2), (2, 2))))
    last = conv(pool, outputs=4, name="last", window=Window((5, 5)), shape=(1, 1, 4))
    return Network("two", (picture, first, pool, last), "last")


def test_a_stream_takes_a_picture_in_little_more_than_its_slowest_layer_s_cycles(
    tmp_path: Path,
) -> None:
    needs("ghdl")
    network = two_layers()
    found = stages(network, lanes=8)
    assert interval(found) == 10 * 10 * 9
    pictures = [random_picture(network, seed) for seed in range(4)]
    log = simulated(network, tmp_path, lanes=8, pictures=pictures).log
    told = re.search(r"first after (\d+) cycles, all after (\d+)", log)
    assert told is not None
    each = (int(told[2]) - int(told[1])) / 3
    assert each <= 1.1 * interval(found)


def test_no_layer_has_more_multipliers_than_the_slowest_one_s_time_asks_for() -> None:
    by_name = {stage.node.name: stage for stage in stages(two_layers(), lanes=8)}
    assert (by_name["first"].lanes, by_name["first"].channels) == (8, 1)
    # 25 taps of 8 channels for 4 outputs are 800 products; of 900 cycles it has an eighth.
    assert by_name["last"].multipliers == 8
    assert by_name["last"].steps == 100


@pytest.mark.parametrize("fault", ["weight", "rounding", "step"])
def test_a_fault_in_a_stream_fails_its_simulation(fault: str, tmp_path: Path) -> None:
    needs("ghdl")
    network = two_layers()
    pictures = [random_picture(network, 1)]
    assert simulated(network, tmp_path, lanes=4, pictures=pictures).label == "verified"
    path, old, new = {
        "weight": ("rom/dut_w_first.vhd", '(\n    x"', '(\n    not x"'),
        "rounding": ("lib/nn_pkg.vhd", "half(nn_max(shift - 1, 0)) := '1';", ""),
        "step": ("lib/ns_walk.vhd", "if kx < KW - 1 then", "if kx < KW - 2 then"),
    }[fault]
    text = (tmp_path / path).read_text()
    assert old in text
    (tmp_path / path).write_text(text.replace(old, new))
    assert simulate(tmp_path).label == "mismatch"


def test_make_sim_of_a_stream_passes_with_ghdl_alone(tmp_path: Path) -> None:
    needs("ghdl")
    network = two_layers()
    texts = library(STREAM_LIBRARY)
    pictures = [random_picture(network, 1)]
    files = stream_design(network, lanes=2, pictures=pictures, name="dut", library=texts)
    write(files, tmp_path)
    assert "THROUGH" not in files["Makefile"]
    assert "sim-netlist" not in files["Makefile"]
    done = subprocess.run(
        [needs("make"), "sim"], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"PASS" in done.stdout


def test_a_network_with_branches_is_refused_by_its_layer() -> None:
    picture = source((2, 2, 1))
    one = conv(picture, outputs=1, name="one")
    rounding = Rounding(0, BYTE.low, BYTE.high)
    join = Node(
        "join", ("join",), ("one", "picture"), (2, 2, 2), BYTE, Concat((rounding, rounding))
    )
    with pytest.raises(NotForHardware, match="branches") as refusal:
        stages(Network("branches", (picture, one, join), "join"), lanes=1)
    assert refusal.value.layer == "join"


NETLIST_BENCH = """module bench;
  reg clk = 0, x_valid = 0; wire x_ready, done; reg [7:0] x_data = 0; wire [1:0] class_index;
  reg [7:0] codes [0:{last}]; integer i;
  dut under_test (.clk(clk), .x_valid(x_valid), .x_ready(x_ready), .x_data(x_data),
                  .done(done), .class_index(class_index));
  always #5 clk = ~clk;
  always @(posedge clk) if (done) $display("CLASS %0d", class_index);
  initial begin
    $readmemh("codes.hex", codes);
    for (i = 0; i <= {last}; i = i + 1) begin
      @(negedge clk); x_valid = 1; x_data = codes[i];
      while (!x_ready) @(negedge clk);
    end
    @(negedge clk); x_valid = 0;
    repeat (5000) @(negedge clk);
    $finish;
  end
endmodule
"""


def test_a_stream_gives_the_same_classes_after_synthesis(tmp_path: Path) -> None:
    """GHDL's Verilog, in Icarus."""
    needs("ghdl")
    network = two_layers()
    pictures = [random_picture(network, seed) for seed in range(6)]
    assert simulated(network, tmp_path, lanes=4, pictures=pictures).label == "verified"
    build = tmp_path / "build"
    said = ghdl(build, "--synth", "--std=08", "--out=verilog", "dut")
    (build / "dut.v").write_text(said[: said.rindex("endmodule")] + "endmodule\n")
    codes = np.concatenate([picture.ravel() for picture in pictures]) & 255
    (build / "codes.hex").write_text("\n".join(f"{code:x}" for code in codes))
    (build / "bench.v").write_text(NETLIST_BENCH.format(last=len(codes) - 1))
    verilog = [needs("iverilog"), "-g2005", "-o", "bench.vvp", "bench.v", "dut.v"]
    subprocess.run(verilog, cwd=build, check=True, timeout=60)
    done = subprocess.run(
        ["vvp", "-n", "bench.vvp"],
        cwd=build,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = [int(line.split()[1]) for line in done.stdout.splitlines() if "CLASS" in line]
    expected = [int(answers(network, run_integer(network, one))[0]) for one in pictures]
    assert found == expected
    assert len(set(found)) > 1


def test_the_formats_of_a_stream_may_be_wide(tmp_path: Path) -> None:
    needs("ghdl")
    form = Format(16, 4)
    picture = source((5, 5, 3), form)
    node = conv(picture, outputs=5, weight_bits=16, form=form)
    assert isinstance(node.operation, Conv)
    assert node.operation.sum_bits > 31
    network = Network("wide", (picture, node), "c")
    pictures = [random_picture(network, seed) for seed in range(2)]
    assert simulated(network, tmp_path, lanes=2, pictures=pictures).label == "verified"
