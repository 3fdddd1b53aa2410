-- Streams side by side: the channels of each, rounded into one format.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity ns_concat is
  generic (
    INPUTS, OC : positive;
    CHANNELS, BITS, SHIFTS : nn_integers;  -- of each input
    SIGNS : nn_integers;  -- 1 where an input's codes are signed
    XW : positive;  -- bits of all inputs' pixels together, the first at the right end
    YB : positive;
    LOW, HIGH : integer
  );
  port (
    clk : in  std_logic;
    in_valid  : in  std_logic;
    in_ready  : out std_logic;
    in_data   : in  std_logic_vector(XW - 1 downto 0);
    stepped   : out std_logic;  -- for the test bench
    out_valid : out std_logic;
    out_ready : in  std_logic;
    out_data  : out std_logic_vector(OC * YB - 1 downto 0) := (others => '0')
  );
end entity;

architecture rtl of ns_concat is
  signal full : std_logic := '0';
  signal advance : std_logic;  -- no first value: GHDL 2.0's Verilog would hold it until it changes
begin
  advance <= out_ready or not full;
  in_ready <= advance;
  out_valid <= full;
  stepped <= in_valid and advance;

  process (clk)
    variable base, to_bit : natural;
  begin
    if rising_edge(clk) and advance = '1' then
      full <= in_valid;
      if in_valid = '1' then
        base := 0;
        to_bit := 0;
        for k in 0 to INPUTS - 1 loop
          for i in 0 to CHANNELS(k) - 1 loop
            out_data(to_bit + YB - 1 downto to_bit) <= nn_round(
              nn_code(signed(in_data(base + BITS(k) - 1 downto base)), SIGNS(k) = 1),
              SHIFTS(k), LOW, HIGH, 0, -1, YB
            );
            base := base + BITS(k);
            to_bit := to_bit + YB;
          end loop;
        end loop;
      end if;
    end if;
  end process;
end architecture;
