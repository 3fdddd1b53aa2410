"""A test bench for a stream's netlist, in Verilog: another language, another simulator."""

import math
from collections.abc import Sequence

from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import Codes
from fpga_export.core.vhdl.stream import pixels
from fpga_export.core.vhdl.stream_core import StreamWiring
from fpga_export.core.vhdl.verilog_bench import FOLDER


def stream_verilog(wiring: StreamWiring, pictures: Sequence[Codes]) -> dict[str, str]:
    """{path: text}: the bench and a .hex of pixels for each tensor; it runs in a folder beside."""
    network = wiring.network
    runs = [run_integer(network, picture) for picture in pictures]
    classes = [int(answers(network, run)[0]) for run in runs]
    files = {f"{FOLDER}/classes.hex": "".join(f"{one:x}\n" for one in classes)}
    for node in network.nodes:
        lines = [f"{word:x}" for run in runs for word in pixels(run[node.name], node.format.bits)]
        files[f"{FOLDER}/t_{node.name}.hex"] = "\n".join(lines) + "\n"
    return files | {f"{FOLDER}/netlist_tb.v": _bench(wiring, len(pictures))}


def _bench(wiring: StreamWiring, count: int) -> str:
    network = wiring.network
    source = network.nodes[0]
    total = count * math.prod(source.shape[:2])
    width = wiring.pixel_bits(source.name)
    ports = [".clk(clk)", ".x_valid(x_valid)", ".x_ready(x_ready)", ".x_data(x_data)"]
    ports += [".done(done)", ".class_index(class_index)"]
    declared, watched, loaded, checked = "", "", "", ""
    ended = [
        f" && t_{stage.node.name}_seen >= {count * math.prod(stage.node.shape[:2])}"
        for stage in wiring.found
    ]
    for stage in wiring.found:
        n, words = f"t_{stage.node.name}", count * math.prod(stage.node.shape[:2])
        high, steps = wiring.pixel_bits(stage.node.name) - 1, count * stage.steps
        for what in ("valid", "stepped", "data"):
            ports.append(f".dbg_{stage.node.name}_{what}({n}_{what})")
        declared += f"""  wire {n}_valid, {n}_stepped; wire [{high}:0] {n}_data;
  reg [{high}:0] {n}_codes [0:{max(2, words) - 1}];
  integer {n}_seen = 0, {n}_wrong = 0, {n}_steps = 0;
"""
        loaded += f'    $readmemh("../{FOLDER}/{n}.hex", {n}_codes, 0, {words - 1});\n'
        watched += f"""  always @(posedge clk) begin
    if ({n}_stepped) {n}_steps <= {n}_steps + 1;
    if ({n}_valid) begin
      {n}_seen <= {n}_seen + 1;
      if ({n}_data !== {n}_codes[{n}_seen]) {n}_wrong <= {n}_wrong + 1;
    end
  end
"""
        checked += f"""    if ({n}_wrong != 0 || {n}_seen != {words} || {n}_steps != {steps}) begin
      $display("FAIL: {n}, %0d of %0d wrong, %0d steps", {n}_wrong, {n}_seen, {n}_steps);
      bad = bad + 1;
    end
"""
    limit = 2 * sum(stage.steps for stage in wiring.found) * (count + 1) + 8 * total + 4000
    return f"""`timescale 1ns/1ps
module netlist_tb;
  reg clk = 0, x_valid = 0; wire x_ready, done;
  reg [{width - 1}:0] x_data = 0; reg [{width - 1}:0] picture [0:{max(2, total) - 1}];
  wire [{wiring.class_bits - 1}:0] class_index;
  reg [{wiring.class_bits - 1}:0] classes [0:{max(2, count) - 1}];
  integer p = 0, i = 0, bad = 0, waited = 0, rest = 0;
{declared}
  {wiring.name}_core dut ({", ".join(ports)});
  always #5 clk = ~clk;
{watched}
  // Both sides change at the falling edge; what was ready before the rising one was taken at it.
  always @(posedge clk) if (x_valid && x_ready) i <= i + 1;
  always @(posedge clk) if (done) begin
    if (class_index !== classes[p]) begin
      $display("FAIL: picture %0d is class %0d", p, class_index); bad = bad + 1;
    end
    p <= p + 1;
  end

  initial begin
    $readmemh("../{FOLDER}/t_{source.name}.hex", picture, 0, {total - 1});
    $readmemh("../{FOLDER}/classes.hex", classes, 0, {count - 1});
{loaded}    while (rest < {20 + 4 * len(wiring.found)} && waited < {limit}) begin
      @(negedge clk);
      x_valid = i < {total};
      if (x_valid) x_data = picture[i];
      waited = waited + 1;
      if (p == {count}{"".join(ended)}) rest = rest + 1;
    end
    if (p != {count}) begin
      $display("FAIL: %0d answers", p); bad = bad + 1;
    end
{checked}    if (bad == 0) $display("PASS"); else $display("FAIL");
    $finish;
  end
endmodule
"""
