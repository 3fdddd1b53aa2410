-- The same codes in the same order in pixels of another size, SHARE channels of both a cycle.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity ns_reshape is
  generic (
    IC, OC, SHARE, XB : positive
  );
  port (
    clk : in  std_logic;
    in_valid  : in  std_logic;
    in_ready  : out std_logic;
    in_data   : in  std_logic_vector(IC * XB - 1 downto 0);
    stepped   : out std_logic;  -- for the test bench
    out_valid : out std_logic;
    out_ready : in  std_logic;
    out_data  : out std_logic_vector(OC * XB - 1 downto 0)
  );
end entity;

architecture rtl of ns_reshape is
  constant STEP : positive := SHARE * XB;
  constant COMES : positive := IC / SHARE;
  constant GOES : positive := OC / SHARE;
  signal held : std_logic_vector(IC * XB - 1 downto 0) := (others => '0');
  signal word : std_logic_vector(OC * XB - 1 downto 0) := (others => '0');
  signal left : natural range 0 to COMES := 0;
  signal made : natural range 0 to GOES := 0;
  signal full : std_logic := '0';
  signal advance : std_logic;  -- no first value: GHDL 2.0's Verilog would hold it until it changes
begin
  advance <= out_ready or not full;
  in_ready <= '1' when left = 0 else '0';
  out_valid <= full;
  out_data <= word;
  stepped <= advance when left > 0 else '0';

  process (clk)
  begin
    if rising_edge(clk) then
      if left = 0 and in_valid = '1' then
        held <= in_data;
        left <= COMES;
      end if;
      if advance = '1' then
        full <= '0';
        if left > 0 then
          -- The first code comes to lie at the right end.
          word <= std_logic_vector(unsigned(word) srl STEP);
          word(OC * XB - 1 downto OC * XB - STEP) <= held(STEP - 1 downto 0);
          held <= std_logic_vector(unsigned(held) srl STEP);
          left <= left - 1;
          made <= made + 1;
          if made = GOES - 1 then
            made <= 0;
            full <= '1';
          end if;
        end if;
      end if;
    end if;
  end process;
end architecture;
