"""A stream's test bench: it knows every pixel of every layer, its steps, and when it is done."""

import math
from collections.abc import Sequence

from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import Codes
from fpga_export.core.vhdl.rom import HEAD, literals
from fpga_export.core.vhdl.stream import Stage, pixels
from fpga_export.core.vhdl.stream_core import StreamWiring
from fpga_export.core.vhdl.stream_timing import Timing
from fpga_export.core.vhdl.wiring import listed, vector


def stream_vectors(wiring: StreamWiring, pictures: Sequence[Codes]) -> str:
    """The package `{name}_vectors`: pictures, what each node must give, and the classes."""
    network = wiring.network
    runs = [run_integer(network, picture) for picture in pictures]
    classes = [int(answers(network, run)[0]) for run in runs]
    parts = ""
    for node in network.nodes:
        words = [word for run in runs for word in pixels(run[node.name], node.format.bits)]
        width = wiring.pixel_bits(node.name)
        padded = -(-width // 4) * 4
        n = node.name
        last = max(2, len(words)) - 1
        parts += f"""  type t_{n}_words is array (0 to {last}) of {vector(padded)};
  constant T_{n.upper()}_CODES : t_{n}_words := (
    {literals(words, width)}
  );
"""
    return f"""-- What the integer model answers for {len(pictures)} picture(s). Not synthesised.
{HEAD}use work.nn_pkg.all;

package {wiring.name}_vectors is
  constant PICTURES : positive := {len(pictures)};
  constant CLASSES : nn_integers(0 to {len(pictures) - 1}) := ({_numbers(classes, 0)});
{parts}end package;
"""


def _numbers(values: Sequence[int], first: int) -> str:
    return ", ".join(f"{i} => {one}" for i, one in enumerate(values, start=first))


def stream_bench(wiring: StreamWiring, when: Timing, pictures: int) -> str:
    """The entity `{name}_tb`. It ends with PASS, or with a failure that stops the simulator."""
    network, found, name = wiring.network, wiring.found, wiring.name
    source = network.nodes[0]
    pixels_in = math.prod(source.shape[:2])
    ports = ["clk => clk", "x_valid => x_valid", "x_ready => x_ready", "x_data => x_data"]
    ports += ["done => done", "class_index => class_index"]
    signals, watchers = "", ""
    for position, stage in enumerate(found, start=1):
        n = stage.node.name
        ports += [f"dbg_{n}_{what} => t_{n}_{what}" for what in ("valid", "stepped", "data")]
        signals += f"  signal t_{n}_valid, t_{n}_stepped : std_logic;\n"
        signals += f"  signal t_{n}_data : {vector(wiring.pixel_bits(n))};\n"
        watchers += _watcher(stage, position, _padded(when.ends[n], pictures))
    words = [math.prod(stage.node.shape[:2]) for stage in found]
    # Every stage may wait for every other, and then has all its steps to make.
    limit = 2 * sum(stage.steps for stage in found) * (pictures + 1) + 8 * pixels_in + 4000
    return f"""-- Sends the pictures without a pause, or with GAPS cycles between some pixels.
-- Compares every pixel of every layer, its steps, the classes, and without GAPS the cycle at
-- which each layer is done with each picture. With THROUGH less than {len(found) + 1} it stops
-- when so many layers are done with the first picture.
{HEAD}use work.nn_pkg.all;
use work.{name}_vectors.all;

entity {name}_tb is
  generic (
    GAPS : natural := 0;
    THROUGH : positive range 1 to {len(found) + 1} := {len(found) + 1}
  );
end entity;

architecture test of {name}_tb is
  constant WORDS : nn_integers(1 to {len(found)}) := ({_numbers(words, 1)});
  constant ANSWERS : nn_integers(0 to {pictures - 1}) := ({
        _numbers(_padded(when.answers, pictures), 0)
    });
  signal clk : std_logic := '0';
  signal x_valid, x_ready, done : std_logic := '0';
  signal x_data : {vector(wiring.pixel_bits(source.name))} := (others => '0');
  signal class_index : {vector(wiring.class_bits)};
  signal ended : boolean := false;
  signal edge : natural := 1;  -- the next one
  signal compared : nn_integers(1 to {len(found)}) := (others => 0);
{signals}
  -- Whether the layers 1 to `last` are done with so many pictures.
  impure function through_all(last, count : natural) return boolean is
  begin
    for k in 1 to last loop
      if compared(k) < count * WORDS(k) then
        return false;
      end if;
    end loop;
    return true;
  end function;
begin
  clk <= not clk after 5 ns when not ended;
  edge <= edge + 1 when rising_edge(clk);

  dut : entity work.{name}_core
    port map (
      {listed(ports)}
    );

{watchers}  sender : process
    variable gap : natural := 0;
  begin
    for i in 0 to PICTURES * {pixels_in} - 1 loop
      gap := (gap * 5 + 3) mod 16;
      if gap mod 4 = 0 then
        for g in 1 to GAPS loop
          wait until rising_edge(clk);
        end loop;
      end if;
      x_valid <= '1';
      x_data <= T_{source.name.upper()}_CODES(i)(x_data'range);
      loop
        wait until rising_edge(clk);
        exit when x_ready = '1';
      end loop;
      x_valid <= '0';
    end loop;
    wait;
  end process;

  judge : process
    constant LIMIT : natural := {limit} + {pixels_in} * PICTURES * GAPS;
    variable first, final : natural := 0;
  begin
    if THROUGH < {len(found) + 1} then
      loop
        wait until rising_edge(clk);
        assert edge < LIMIT report "FAIL: no answer" severity failure;
        exit when through_all(THROUGH, 1);
      end loop;
      report "PASS: layers 1 to " & integer'image(THROUGH) & " of {len(found)}" severity note;
      ended <= true;
      wait;
    end if;
    for p in 0 to PICTURES - 1 loop
      loop
        wait until rising_edge(clk);
        assert edge < LIMIT report "FAIL: no answer" severity failure;
        exit when done = '1';
      end loop;
      final := edge;
      if p = 0 then
        first := edge;
      end if;
      assert to_integer(unsigned(class_index)) = CLASSES(p)
        report "FAIL: picture " & integer'image(p) & " is class "
          & integer'image(to_integer(unsigned(class_index))) severity failure;
      assert GAPS > 0 or ANSWERS(p) = 0 or edge = ANSWERS(p)
        report "FAIL: picture " & integer'image(p) & " answered at cycle "
          & integer'image(edge) & ", not " & integer'image(ANSWERS(p)) severity failure;
    end loop;
    -- What the answer did not need may still be on its way.
    while not through_all({len(found)}, PICTURES) loop
      wait until rising_edge(clk);
      assert edge < LIMIT report "FAIL: a layer gives too little" severity failure;
    end loop;
    for more in 1 to {20 + 4 * len(found)} loop
      wait until rising_edge(clk);
    end loop;
    report "PASS: " & integer'image(PICTURES) & " picture(s), the first after "
      & integer'image(first) & " cycles, all after " & integer'image(final) severity note;
    ended <= true;
    wait;
  end process;
end architecture;
"""


def _padded(edges: Sequence[int], pictures: int) -> list[int]:
    """0 where none was predicted."""
    return [*edges, *[0] * pictures][:pictures]


def _watcher(stage: Stage, position: int, ends: list[int]) -> str:
    n, words = stage.node.name, math.prod(stage.node.shape[:2])
    return f"""  watch_{n} : process (clk)
    constant ENDS : nn_integers(0 to {len(ends) - 1}) := ({_numbers(ends, 0)});
    variable seen, steps, before, wrong, picture : natural := 0;
  begin
    if rising_edge(clk) then
      if t_{n}_valid = '1' then
        assert seen < PICTURES * {words}
          report "FAIL: {n} gives too much" severity failure;
        if t_{n}_data /= T_{n.upper()}_CODES(seen)(t_{n}_data'range) then
          assert wrong > 0 report "FAIL: {n}, pixel " & integer'image(seen) severity error;
          wrong := wrong + 1;
        end if;
        seen := seen + 1;
        if seen = (picture + 1) * {words} then
          report "LAYER {n} words " & integer'image(seen) & " wrong " & integer'image(wrong)
            & " cycles " & integer'image(steps - before);
          assert wrong = 0 and steps - before = {stage.steps}
            report "FAIL: {n}" severity failure;
          assert GAPS > 0 or ENDS(picture) = 0 or edge = ENDS(picture)
            report "FAIL: {n} was done at cycle " & integer'image(edge) & ", not "
              & integer'image(ENDS(picture)) severity failure;
          before := steps;
          picture := picture + 1;
        end if;
        compared({position}) <= seen;
      end if;
      if t_{n}_stepped = '1' then
        steps := steps + 1;
      end if;
      assert steps <= PICTURES * {stage.steps}
        report "FAIL: {n} makes too many steps" severity failure;
    end if;
  end process;

"""
