"""A test bench for the netlist, in Verilog: another language, another simulator, the same codes."""

from collections.abc import Sequence
from typing import Final

from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import Codes
from fpga_export.core.vhdl.packing import tensor_words, words_of
from fpga_export.core.vhdl.wiring import Wiring

FOLDER: Final = "sim/netlist"


def verilog_bench(wiring: Wiring, pictures: Sequence[Codes]) -> dict[str, str]:
    """{path: text}: the bench and a .hex of words for each tensor; it runs in a folder beside."""
    network, lanes = wiring.network, wiring.lanes
    runs = [run_integer(network, picture) for picture in pictures]
    classes = [int(answers(network, run)[0]) for run in runs]
    files = {}
    for node in network.nodes:
        lines = []
        for run in runs:
            words = tensor_words(run[node.name], bits=node.format.bits, lanes=lanes)
            lines += [f"{word:x}" for word in words]
        files[f"{FOLDER}/t_{node.name}.hex"] = "\n".join(lines) + "\n"
    files[f"{FOLDER}/classes.hex"] = "".join(f"{one:x}\n" for one in classes)
    return files | {f"{FOLDER}/netlist_tb.v": _bench(wiring, len(pictures))}


def _bench(wiring: Wiring, count: int) -> str:
    network, lanes, name = wiring.network, wiring.lanes, wiring.name
    source = network.nodes[0]
    words = words_of(source.shape, lanes)
    ports = [".clk(clk)", ".start(start)", ".done(done)", ".x_we(x_we)", ".x_wa(x_wa)"]
    ports += [".x_wd(x_wd)", ".class_index(class_index)", ".dbg_start()", ".dbg_done()"]
    declared, watched, loaded, checked = [], [], [], []
    for node in wiring.engines:
        n, total = f"t_{node.name}", words_of(node.shape, lanes)
        high = wiring.word_bits(node) - 1
        ports += [f".dbg_{node.name}_{what}({n}_{what})" for what in ("we", "wa", "wd")]
        declared.append(f"""  wire {n}_we; wire [{wiring.address_bits(node) - 1}:0] {n}_wa;
  wire [{high}:0] {n}_wd; reg [{high}:0] {n}_codes [0:{max(2, count * total) - 1}];
  integer {n}_compared = 0, {n}_wrong = 0;
""")
        loaded.append(f'    $readmemh("../{FOLDER}/{n}.hex", {n}_codes, 0, {count * total - 1});\n')
        watched.append(f"""  always @(posedge clk) if ({n}_we) begin
    {n}_compared <= {n}_compared + 1;
    if ({n}_wd !== {n}_codes[p * {total} + {n}_wa]) {n}_wrong <= {n}_wrong + 1;
  end
""")
        checked.append(f"""    if ({n}_wrong != 0 || {n}_compared != {count * total}) begin
      $display("FAIL: {n}, %0d of %0d wrong", {n}_wrong, {n}_compared); bad = bad + 1;
    end
""")
    return f"""`timescale 1ns/1ps
module netlist_tb;
  reg clk = 0, start = 0, x_we = 0; wire done;
  reg [{wiring.address_bits(source) - 1}:0] x_wa = 0;
  reg [{wiring.word_bits(source) - 1}:0] x_wd = 0;
  wire [{wiring.class_bits - 1}:0] class_index;
  reg [{wiring.word_bits(source) - 1}:0] picture [0:{max(2, count * words) - 1}];
  reg [{wiring.class_bits - 1}:0] classes [0:{max(2, count) - 1}];
  integer p = 0, i, bad = 0, waited;
{"".join(declared)}
  {name}_core dut ({", ".join(ports)});
  always #5 clk = ~clk;
{"".join(watched)}
  initial begin
    $readmemh("../{FOLDER}/t_{source.name}.hex", picture, 0, {count * words - 1});
    $readmemh("../{FOLDER}/classes.hex", classes, 0, {count - 1});
{"".join(loaded)}    @(negedge clk);
    for (p = 0; p < {count}; p = p + 1) begin
      x_we = 1;
      for (i = 0; i < {words}; i = i + 1) begin
        x_wa = i; x_wd = picture[p * {words} + i]; @(negedge clk);
      end
      x_we = 0; start = 1; @(negedge clk); start = 0; waited = 0;
      while (!done && waited < 100000000) begin @(negedge clk); waited = waited + 1; end
      @(negedge clk);
      if (class_index !== classes[p]) begin
        $display("FAIL: picture %0d is class %0d", p, class_index); bad = bad + 1;
      end
    end
{"".join(checked)}    if (bad == 0) $display("PASS"); else $display("FAIL");
    $finish;
  end
endmodule
"""
