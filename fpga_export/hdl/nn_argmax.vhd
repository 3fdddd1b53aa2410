-- The position of the largest code, one channel a cycle; the first of several that are equal.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity nn_argmax is
  generic (
    PIXELS, CHANNELS, LANES, XB, ADDR, CLASS_BITS : positive;
    XS : boolean  -- the codes are signed
  );
  port (
    clk   : in  std_logic;
    start : in  std_logic;
    done  : out std_logic := '0';
    x_ra  : out std_logic_vector(ADDR - 1 downto 0) := (others => '0');
    x_rd  : in  std_logic_vector(LANES * XB - 1 downto 0);
    class_index : out std_logic_vector(CLASS_BITS - 1 downto 0) := (others => '0')
  );
end entity;

architecture rtl of nn_argmax is
  constant TOTAL : positive := PIXELS * CHANNELS;
  signal valid, valid_1, closing, closing_1 : std_logic := '0';
  signal lane, lane_1 : natural range 0 to LANES := 0;
begin
  process (clk)
    variable going : boolean := false;
    variable c : natural range 0 to CHANNELS;
    variable l : natural range 0 to LANES;
    variable word : natural range 0 to 2 ** ADDR;
    variable issued, seen, best : natural range 0 to TOTAL;
    variable code : signed(XB - 1 downto 0);
    variable largest, x : signed(XB downto 0);
  begin
    if rising_edge(clk) then
      if start = '1' then
        going := true;
        c := 0; l := 0; word := 0; issued := 0; seen := 0;
      elsif going then
        issued := issued + 1;
        if c = CHANNELS - 1 then
          c := 0; l := 0; word := word + 1;
        else
          c := c + 1;
          if l = LANES - 1 then
            l := 0; word := word + 1;
          else
            l := l + 1;
          end if;
        end if;
        going := issued < TOTAL;
      end if;
      valid <= '0';
      closing <= '0';
      if going then
        valid <= '1';
        x_ra <= std_logic_vector(to_unsigned(word, ADDR));
        lane <= l;
        if issued = TOTAL - 1 then
          closing <= '1';
        end if;
      end if;
      valid_1 <= valid;
      closing_1 <= closing;
      lane_1 <= lane;
      done <= '0';
      if valid_1 = '1' then
        code := signed(x_rd((lane_1 + 1) * XB - 1 downto lane_1 * XB));
        x := nn_code(code, XS);
        if seen = 0 or x > largest then
          largest := x;
          best := seen;
        end if;
        seen := seen + 1;
        if closing_1 = '1' then
          class_index <= std_logic_vector(to_unsigned(best, CLASS_BITS));
          done <= '1';
        end if;
      end if;
    end if;
  end process;
end architecture;
