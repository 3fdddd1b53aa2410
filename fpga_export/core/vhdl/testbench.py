"""A test bench that knows every code of every layer, and how many cycles each may take."""

from collections.abc import Mapping, Sequence

from fpga_export.core.integer_run import answers, run_integer
from fpga_export.core.ir import Codes, Node
from fpga_export.core.vhdl.cycles import CLASS, predict
from fpga_export.core.vhdl.packing import tensor_words, words_of
from fpga_export.core.vhdl.rom import HEAD, literals
from fpga_export.core.vhdl.wiring import Wiring, listed, vector


def vectors(
    wiring: Wiring,
    pictures: Sequence[Codes],
    *,
    runs: Sequence[Mapping[str, Codes]] | None = None,
    classes: Sequence[int] | None = None,
) -> str:
    """The package `{name}_vectors`: the pictures, what each node must write, and the classes.

    `runs` and `classes` are those of the integer model where nothing else is expected.
    """
    network, lanes = wiring.network, wiring.lanes
    runs = runs or [run_integer(network, picture) for picture in pictures]
    classes = classes or [int(answers(network, run)[0]) for run in runs]
    parts = []
    for node in network.nodes:
        words: list[int] = []
        for run in runs:
            words += tensor_words(run[node.name], bits=node.format.bits, lanes=lanes)
        parts.append(_constant(node, words, wiring.word_bits(node)))
    chosen = ", ".join(f"{i} => {one}" for i, one in enumerate(classes))
    return f"""-- What the integer model answers for {len(pictures)} picture(s). Not synthesised.
{HEAD}use work.nn_pkg.all;

package {wiring.name}_vectors is
  constant PICTURES : positive := {len(pictures)};
  constant CLASSES : nn_integers(0 to {len(pictures) - 1}) := ({chosen});
{"".join(parts)}end package;
"""


def _constant(node: Node, words: list[int], width: int) -> str:
    padded = -(-width // 4) * 4
    count = max(2, len(words))
    return f"""  type t_{node.name}_words is array (0 to {count - 1}) of {vector(padded)};
  constant T_{node.name.upper()}_CODES : t_{node.name}_words := (
    {literals(words, width)}
  );
"""


def test_bench(wiring: Wiring) -> str:
    """The entity `{name}_tb`. It ends with PASS, or with a failure that stops the simulator."""
    network, lanes, name = wiring.network, wiring.lanes, wiring.name
    source = network.nodes[0]
    cycles = predict(network, lanes=lanes)
    expected = [cycles[node.name] for node in wiring.engines] + [cycles[CLASS]]
    count = len(network.nodes)
    predicted = ", ".join(f"{i + 1} => {one}" for i, one in enumerate(expected))
    signals = "".join(_watched(wiring, node) for node in wiring.engines)
    ports = ["clk => clk", "start => start", "done => done", "x_we => x_we", "x_wa => x_wa"]
    ports += ["x_wd => x_wd", "class_index => class_index"]
    ports += ["dbg_start => dbg_start", "dbg_done => dbg_done"]
    for node in wiring.engines:
        ports += [f"dbg_{node.name}_{what} => t_{node.name}_{what}" for what in ("we", "wa", "wd")]
    watchers = "".join(
        _watcher(wiring, node, position) for position, node in enumerate(wiring.engines, start=1)
    )
    words = words_of(source.shape, lanes)
    checks = "".join(
        _check(node.name, position, words_of(node.shape, lanes))
        for position, node in enumerate(wiring.engines, start=1)
    )
    return f"""-- Compares every word that every layer writes, the classes, and each layer's cycles.
-- With THROUGH less than {count} it stops after that engine, with the first picture.
{HEAD}use work.nn_pkg.all;
use work.{name}_vectors.all;

entity {name}_tb is
  generic (THROUGH : positive range 1 to {count} := {count});
end entity;

architecture test of {name}_tb is
  constant PREDICTED : nn_integers(1 to {count}) := ({predicted});
  signal clk : std_logic := '0';
  signal start, x_we, done : std_logic := '0';
  signal x_wa : {vector(wiring.address_bits(source))} := (others => '0');
  signal x_wd : {vector(wiring.word_bits(source))} := (others => '0');
  signal class_index : {vector(wiring.class_bits)};
  signal dbg_start, dbg_done : std_logic_vector(1 to {count});
  signal picture : natural range 0 to PICTURES := 0;
  signal ended : boolean := false;
  signal compared, wrong : nn_integers(1 to {count}) := (others => 0);
{signals}begin
  clk <= not clk after 5 ns when not ended;

  dut : entity work.{name}_core
    port map (
      {listed(ports)}
    );

{watchers}  -- What an engine wrote is judged when it says that it is done.
  judge : process (clk)
    variable counting, judged : natural range 0 to {count} := 0;
    variable counted, taken : natural := 0;
  begin
    if rising_edge(clk) then
      counted := counted + 1;
      judged := 0;
      for k in 1 to {count} loop
        if dbg_done(k) = '1' then
          judged := k;
          taken := counted;
          assert counting = k and counted = PREDICTED(k)
            report "FAIL: engine " & integer'image(k) & " took " & integer'image(counted)
              & " cycles, not " & integer'image(PREDICTED(k)) severity failure;
        end if;
        if dbg_start(k) = '1' then
          counting := k;
          counted := 0;
        end if;
      end loop;
      case judged is
{checks}        when others => null;
      end case;
    end if;
  end process;

  main : process
    variable waited : natural;
  begin
    wait until rising_edge(clk);
    for p in 0 to PICTURES - 1 loop
      picture <= p;
      x_we <= '1';
      for i in 0 to {words - 1} loop
        x_wa <= std_logic_vector(to_unsigned(i, x_wa'length));
        x_wd <= T_{source.name.upper()}_CODES(p * {words} + i)(x_wd'range);
        wait until rising_edge(clk);
      end loop;
      x_we <= '0';
      start <= '1';
      wait until rising_edge(clk);
      start <= '0';
      waited := 0;
      loop
        wait until rising_edge(clk);
        exit when dbg_done(THROUGH) = '1';
        waited := waited + 1;
        assert waited < {2 * sum(expected) + 1000}
          report "FAIL: no answer" severity failure;
      end loop;
      wait until rising_edge(clk);
      exit when THROUGH < {count};
      assert done = '0' and to_integer(unsigned(class_index)) = CLASSES(p)
        report "FAIL: picture " & integer'image(p) & " is class "
          & integer'image(to_integer(unsigned(class_index))) & ", not " & integer'image(CLASSES(p))
        severity failure;
    end loop;
    if THROUGH < {count} then
      report "PASS: engines 1 to " & integer'image(THROUGH) & " of {count}" severity note;
    else
      report "PASS: " & integer'image(PICTURES) & " picture(s), {sum(expected)} cycles each"
        severity note;
    end if;
    ended <= true;
    wait;
  end process;
end architecture;
"""


def _watched(wiring: Wiring, node: Node) -> str:
    n = node.name
    return f"""  signal t_{n}_we : std_logic;
  signal t_{n}_wa : {vector(wiring.address_bits(node))};
  signal t_{n}_wd : {vector(wiring.word_bits(node))};
"""


def _watcher(wiring: Wiring, node: Node, position: int) -> str:
    n = node.name
    words = words_of(node.shape, wiring.lanes)
    return f"""  process (clk)
    variable place : natural;  -- words are written in order, each once
  begin
    if rising_edge(clk) and t_{n}_we = '1' then
      place := compared({position});
      compared({position}) <= place + 1;
      if place >= PICTURES * {words}
        or to_integer(unsigned(t_{n}_wa)) /= place - picture * {words}
      then
        wrong({position}) <= wrong({position}) + 1;
      elsif t_{n}_wd /= T_{n.upper()}_CODES(place)(t_{n}_wd'range) then
        wrong({position}) <= wrong({position}) + 1;
      end if;
    end if;
  end process;

"""


def _check(name: str, position: int, words: int) -> str:
    return f"""        when {position} =>
          report "LAYER {name} words " & integer'image(compared({position}))
            & " wrong " & integer'image(wrong({position})) & " cycles " & integer'image(taken);
          assert wrong({position}) = 0 and compared({position}) = (picture + 1) * {words}
            report "FAIL: {name}" severity failure;
"""
