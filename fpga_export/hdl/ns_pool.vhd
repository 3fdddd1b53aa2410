-- The largest or the mean of a window of a stream, all channels at once. Padding does not count.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity ns_pool is
  generic (
    IH, IW, IC, OH, OW : positive;
    KH, KW, SH, SW, DH, DW : positive;
    PT, PL : natural;
    ROWS : positive;
    MEAN, XS : boolean;  -- XS: the input's codes are signed
    MULTIPLIERS : nn_integers;
    MB, XB, SB, YB : positive;
    SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS : integer
  );
  port (
    clk  : in  std_logic;
    in_valid  : in  std_logic;
    in_ready  : out std_logic;
    in_data   : in  std_logic_vector(IC * XB - 1 downto 0);
    stepped   : out std_logic;  -- for the test bench
    out_valid : out std_logic;
    out_ready : in  std_logic;
    out_data  : out std_logic_vector(IC * YB - 1 downto 0) := (others => '0')
  );
end entity;

architecture rtl of ns_pool is
  constant CELLS : positive := KH * KW;
  constant GB    : positive := XB + nn_bits(CELLS + 1) + 1;
  type values is array (0 to IC - 1) of signed(GB - 1 downto 0);
  signal full, last_2 : std_logic := '0';
  -- Wires have no first value: GHDL 2.0's Verilog would hold it until they change.
  signal advance, valid, on_picture, first, last : std_logic;
  signal tap : std_logic_vector(IC * XB - 1 downto 0);
  signal grown : values := (others => (others => '0'));
  signal count : natural range 0 to CELLS + 1 := 0;
begin
  advance <= out_ready or not full;
  out_valid <= full;
  stepped <= valid and advance;

  walk : entity work.ns_walk
    generic map (
      IH => IH, IW => IW, OH => OH, OW => OW, GROUPS => 1, CHUNKS => 1,
      KH => KH, KW => KW, SH => SH, SW => SW, DH => DH, DW => DW, PT => PT, PL => PL,
      ROWS => ROWS, WIDTH => IC * XB, WADDR => nn_bits(CELLS + 1)
    )
    port map (
      clk => clk, advance => advance, in_valid => in_valid, in_ready => in_ready,
      in_data => in_data, wa => open, early => open, group_early => open, valid => valid, on_picture => on_picture,
      first => first, last => last, group_index => open, chunk => open, data => tap
    );

  grow : process (clk)
    variable before, x : signed(GB - 1 downto 0);
    variable counted : natural range 0 to CELLS + 1;
  begin
    if rising_edge(clk) and advance = '1' then
      last_2 <= valid and last;
      if valid = '1' then
        counted := count;
        if first = '1' then
          counted := 0;
        end if;
        for i in 0 to IC - 1 loop
          before := grown(i);
          if counted = 0 then
            before := (others => '0');
          end if;
          x := resize(nn_code(signed(tap((i + 1) * XB - 1 downto i * XB)), XS), GB);
          if on_picture = '0' then
            grown(i) <= before;
          elsif MEAN then
            grown(i) <= before + x;
          elsif counted = 0 or x > before then
            grown(i) <= x;
          end if;
        end loop;
        if on_picture = '1' then
          counted := counted + 1;
        end if;
        count <= counted;
      end if;
    end if;
  end process;

  writer : process (clk)
    variable multiplier : signed(MB - 1 downto 0);
  begin
    if rising_edge(clk) and advance = '1' then
      full <= '0';
      if last_2 = '1' then
        full <= '1';
        multiplier := (others => '0');
        for n in 1 to CELLS loop
          if MEAN and count = n then
            multiplier := to_signed(MULTIPLIERS(n), MB);
          end if;
        end loop;
        for i in 0 to IC - 1 loop
          if MEAN then
            out_data((i + 1) * YB - 1 downto i * YB) <= nn_round(
              resize(grown(i) * multiplier, SB), SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS, YB
            );
          else
            out_data((i + 1) * YB - 1 downto i * YB) <= std_logic_vector(resize(unsigned(grown(i)), YB));
          end if;
        end loop;
      end if;
    end if;
  end process;
end architecture;
