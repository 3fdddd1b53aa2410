-- The position of the largest code of a stream's picture; the first of several that are equal.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity ns_argmax is
  generic (
    PIXELS, CHANNELS, XB, CLASS_BITS : positive;
    XS : boolean  -- the codes are signed
  );
  port (
    clk  : in  std_logic;
    in_valid : in  std_logic;
    in_ready : out std_logic;
    in_data  : in  std_logic_vector(CHANNELS * XB - 1 downto 0);
    done     : out std_logic := '0';
    class_index : out std_logic_vector(CLASS_BITS - 1 downto 0) := (others => '0')
  );
end entity;

architecture rtl of ns_argmax is
  signal held : std_logic_vector(CHANNELS * XB - 1 downto 0) := (others => '0');
  signal busy : std_logic := '0';
begin
  in_ready <= not busy;
  process (clk)
    variable c : natural range 0 to CHANNELS := 0;
    variable seen, best : natural range 0 to PIXELS * CHANNELS := 0;
    variable largest, x : signed(XB downto 0);
  begin
    if rising_edge(clk) then
      done <= '0';
      if busy = '0' then
        if in_valid = '1' then
          held <= in_data;
          busy <= '1';
          c := 0;
        end if;
      else
        x := nn_code(signed(held(XB - 1 downto 0)), XS);
        held <= std_logic_vector(unsigned(held) srl XB);
        if seen = 0 or x > largest then
          largest := x;
          best := seen;
        end if;
        seen := seen + 1;
        c := c + 1;
        if c = CHANNELS then
          busy <= '0';
          if seen = PIXELS * CHANNELS then
            seen := 0;
            done <= '1';
            class_index <= std_logic_vector(to_unsigned(best, CLASS_BITS));
          end if;
        end if;
      end if;
    end if;
  end process;
end architecture;
