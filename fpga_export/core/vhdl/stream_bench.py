"""A stream's test bench: it knows every pixel of every layer, and how many steps each takes."""

import math
from collections.abc import Sequence

from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import Codes, Network
from fpga_export.core.vhdl.packing import address_bits
from fpga_export.core.vhdl.rom import HEAD, literals
from fpga_export.core.vhdl.stream import Stage, pixels
from fpga_export.core.vhdl.wiring import listed, vector


def class_bits(network: Network) -> int:
    """Bits of the class index."""
    return address_bits(math.prod(network.nodes[-1].shape))


def pixel_bits(network: Network, name: str) -> int:
    """Bits of a pixel of that node's tensor."""
    node = network.node(name)
    return node.shape[2] * node.format.bits


def stream_vectors(network: Network, pictures: Sequence[Codes], name: str) -> str:
    """The package `{name}_vectors`: pictures, what each node must give, and the classes."""
    runs = [run_integer(network, picture) for picture in pictures]
    classes = [int(answers(network, run)[0]) for run in runs]
    parts = ""
    for node in network.nodes:
        words = [word for run in runs for word in pixels(run[node.name], node.format.bits)]
        width = pixel_bits(network, node.name)
        padded = -(-width // 4) * 4
        n = node.name
        last = max(2, len(words)) - 1
        parts += f"""  type t_{n}_words is array (0 to {last}) of {vector(padded)};
  constant T_{n.upper()}_CODES : t_{n}_words := (
    {literals(words, width)}
  );
"""
    chosen = ", ".join(f"{i} => {one}" for i, one in enumerate(classes))
    return f"""-- What the integer model answers for {len(pictures)} picture(s). Not synthesised.
{HEAD}use work.nn_pkg.all;

package {name}_vectors is
  constant PICTURES : positive := {len(pictures)};
  constant CLASSES : nn_integers(0 to {len(pictures) - 1}) := ({chosen});
{parts}end package;
"""


def stream_bench(network: Network, found: Sequence[Stage], name: str) -> str:
    """The entity `{name}_tb`. It ends with PASS, or with a failure that stops the simulator."""
    source = network.nodes[0]
    count = math.prod(source.shape[:2])
    ports = ["clk => clk", "x_valid => x_valid", "x_ready => x_ready", "x_data => x_data"]
    ports += ["done => done", "class_index => class_index"]
    signals, watchers, checks = "", "", ""
    for position, stage in enumerate(found, start=1):
        n, words = stage.node.name, math.prod(stage.node.shape[:2])
        for what in ("valid", "stepped", "data"):
            ports.append(f"dbg_{n}_{what} => t_{n}_{what}")
        signals += f"  signal t_{n}_valid, t_{n}_stepped : std_logic;\n"
        signals += f"  signal t_{n}_data : {vector(pixel_bits(network, n))};\n"
        watchers += f"""  process (clk)
  begin
    if rising_edge(clk) then
      if t_{n}_stepped = '1' then
        steps({position}) <= steps({position}) + 1;
      end if;
      if t_{n}_valid = '1' then
        compared({position}) <= compared({position}) + 1;
        if compared({position}) >= PICTURES * {words} then
          wrong({position}) <= wrong({position}) + 1;
        elsif t_{n}_data /= T_{n.upper()}_CODES(compared({position}))(t_{n}_data'range) then
          wrong({position}) <= wrong({position}) + 1;
        end if;
      end if;
    end if;
  end process;

"""
        checks += f"""    for p in 1 to PICTURES loop
      report "LAYER {n} words " & integer'image(compared({position}))
        & " wrong " & integer'image(wrong({position}))
        & " cycles " & integer'image(steps({position}) / PICTURES);
    end loop;
    assert wrong({position}) = 0 and compared({position}) = PICTURES * {words}
      and steps({position}) = PICTURES * {stage.steps}
      report "FAIL: {n}" severity failure;
"""
    wanted = ", ".join(
        f"{i} => PICTURES * {math.prod(stage.node.shape[:2])}"
        for i, stage in enumerate(found, start=1)
    )
    worked = ", ".join(f"{i} => PICTURES * {stage.steps}" for i, stage in enumerate(found, start=1))
    limit = 4 * sum(stage.steps for stage in found) + 8 * count + 4000
    return f"""-- Sends the pictures without a pause, or with GAPS cycles between some pixels, and
-- compares every pixel of every layer and the classes.
{HEAD}use work.nn_pkg.all;
use work.{name}_vectors.all;

entity {name}_tb is
  generic (GAPS : natural := 0);
end entity;

architecture test of {name}_tb is
  constant EXPECTED : nn_integers(1 to {len(found)}) := ({wanted});
  constant STEPS_EXPECTED : nn_integers(1 to {len(found)}) := ({worked});
  signal clk : std_logic := '0';
  signal x_valid, x_ready, done : std_logic := '0';
  signal x_data : {vector(pixel_bits(network, source.name))} := (others => '0');
  signal class_index : {vector(class_bits(network))};
  signal ended : boolean := false;
  signal compared, wrong, steps : nn_integers(1 to {len(found)}) := (others => 0);
{signals}begin
  clk <= not clk after 5 ns when not ended;

  dut : entity work.{name}_core
    port map (
      {listed(ports)}
    );

{watchers}  sender : process
    variable gap : natural := 0;
  begin
    for i in 0 to PICTURES * {count} - 1 loop
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
    variable waited, first, now_at : natural := 0;
  begin
    for p in 0 to PICTURES - 1 loop
      waited := 0;
      loop
        wait until rising_edge(clk);
        now_at := now_at + 1;
        waited := waited + 1;
        assert waited < {limit} + {count} * GAPS report "FAIL: no answer" severity failure;
        exit when done = '1';
      end loop;
      if p = 0 then
        first := now_at;
      end if;
      assert to_integer(unsigned(class_index)) = CLASSES(p)
        report "FAIL: picture " & integer'image(p) severity failure;
    end loop;
    -- What the answer did not need may still be on its way.
    for more in 0 to {limit} loop
      wait until rising_edge(clk);
      exit when compared = EXPECTED and steps = STEPS_EXPECTED;
    end loop;
{checks}    report "PASS: " & integer'image(PICTURES) & " picture(s), the first after "
      & integer'image(first) & " cycles, all after " & integer'image(now_at) severity note;
    ended <= true;
    wait;
  end process;
end architecture;
"""
