-- The sum of one or more streams, all channels of a pixel at once; of one alone, an activation.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity ns_add is
  generic (
    INPUTS, CHANNELS : positive;
    BITS   : nn_integers;  -- of each input
    SIGNS  : nn_integers;  -- 1 where an input's codes are signed
    SHIFTS : nn_integers;  -- of each input, to the left
    XW     : positive;  -- bits of all inputs' pixels together, the first at the right end
    SB, YB : positive;
    SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS : integer
  );
  port (
    clk : in  std_logic;
    in_valid  : in  std_logic;
    in_ready  : out std_logic;
    in_data   : in  std_logic_vector(XW - 1 downto 0);
    stepped   : out std_logic;  -- for the test bench
    out_valid : out std_logic;
    out_ready : in  std_logic;
    out_data  : out std_logic_vector(CHANNELS * YB - 1 downto 0) := (others => '0')
  );
end entity;

architecture rtl of ns_add is
  type values is array (0 to CHANNELS - 1) of signed(SB - 1 downto 0);
  signal sums : values := (others => (others => '0'));
  signal full, valid : std_logic := '0';
  signal advance : std_logic;  -- no first value: GHDL 2.0's Verilog would hold it until it changes
begin
  advance <= out_ready or not full;
  in_ready <= advance;
  out_valid <= full;
  stepped <= valid and advance;

  process (clk)
    variable sum : signed(SB - 1 downto 0);
    variable base : natural;
  begin
    if rising_edge(clk) and advance = '1' then
      valid <= in_valid;
      if in_valid = '1' then
        for i in 0 to CHANNELS - 1 loop
          sum := (others => '0');
          base := 0;
          for k in 0 to INPUTS - 1 loop
            sum := sum + resize(
              nn_code(
                signed(in_data(base + (i + 1) * BITS(k) - 1 downto base + i * BITS(k))), SIGNS(k) = 1
              ) & (SHIFTS(k) downto 1 => '0'), SB
            );
            base := base + CHANNELS * BITS(k);
          end loop;
          sums(i) <= sum;
        end loop;
      end if;
      full <= valid;
      if valid = '1' then
        for i in 0 to CHANNELS - 1 loop
          out_data((i + 1) * YB - 1 downto i * YB) <=
            nn_round(sums(i), SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS, YB);
        end loop;
      end if;
    end if;
  end process;
end architecture;
