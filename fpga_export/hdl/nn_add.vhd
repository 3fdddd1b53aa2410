-- The sum of one or more tensors of one shape, a word of each a cycle; of one alone, an activation.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity nn_add is
  generic (
    INPUTS, WORDS, LANES : positive;
    BITS   : nn_integers;  -- of each input
    SIGNS  : nn_integers;  -- 1 where an input's codes are signed
    SHIFTS : nn_integers;  -- of each input, to the left
    XW     : positive;  -- bits of all inputs' words together, the first at the right end
    SB, YB : positive;
    SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS : integer;
    ADDR   : positive
  );
  port (
    clk   : in  std_logic;
    start : in  std_logic;
    done  : out std_logic := '0';
    x_ra  : out std_logic_vector(ADDR - 1 downto 0) := (others => '0');
    x_rd  : in  std_logic_vector(XW - 1 downto 0);
    y_we  : out std_logic := '0';
    y_wa  : out std_logic_vector(ADDR - 1 downto 0) := (others => '0');
    y_wd  : out std_logic_vector(LANES * YB - 1 downto 0)
  );
end entity;

architecture rtl of nn_add is
  type values is array (0 to LANES - 1) of signed(SB - 1 downto 0);
  signal sums : values := (others => (others => '0'));
  signal valid, closing, valid_1, closing_1, valid_2, closing_2, closing_3 : std_logic := '0';
begin
  process (clk)
    variable going : boolean := false;
    variable address : natural range 0 to WORDS;
    variable written : natural range 0 to WORDS;
    variable sum : signed(SB - 1 downto 0);
    variable base : natural;
  begin
    if rising_edge(clk) then
      if start = '1' then
        going := true;
        address := 0;
        written := 0;
      elsif going then
        address := address + 1;
        going := address < WORDS;
      end if;
      valid <= '0';
      closing <= '0';
      if going then
        valid <= '1';
        x_ra <= std_logic_vector(to_unsigned(address, ADDR));
        if address = WORDS - 1 then
          closing <= '1';
        end if;
      end if;

      valid_1 <= valid;
      closing_1 <= closing;
      if valid_1 = '1' then
        for i in 0 to LANES - 1 loop
          sum := (others => '0');
          base := 0;
          for k in 0 to INPUTS - 1 loop
            sum := sum + resize(
              nn_code(
                signed(x_rd(base + (i + 1) * BITS(k) - 1 downto base + i * BITS(k))), SIGNS(k) = 1
              ) & (SHIFTS(k) downto 1 => '0'), SB
            );
            base := base + LANES * BITS(k);
          end loop;
          sums(i) <= sum;
        end loop;
      end if;

      valid_2 <= valid_1;
      closing_2 <= closing_1;
      y_we <= '0';
      closing_3 <= '0';
      done <= closing_3;
      if valid_2 = '1' then
        y_we <= '1';
        y_wa <= std_logic_vector(to_unsigned(written, ADDR));
        for i in 0 to LANES - 1 loop
          y_wd((i + 1) * YB - 1 downto i * YB) <=
            nn_round(sums(i), SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS, YB);
        end loop;
        written := written + 1;
        closing_3 <= closing_2;
      end if;
    end if;
  end process;
end architecture;
