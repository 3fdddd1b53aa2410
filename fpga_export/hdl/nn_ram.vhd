-- A memory with one port to write and one to read; what is read appears a cycle later.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity nn_ram is
  generic (
    DEPTH : positive;  -- words, at least 2: synthesis tools stumble over a memory of one
    WIDTH : positive;  -- bits of a word
    ADDR  : positive
  );
  port (
    clk : in  std_logic;
    we  : in  std_logic;
    wa  : in  std_logic_vector(ADDR - 1 downto 0);
    wd  : in  std_logic_vector(WIDTH - 1 downto 0);
    re  : in  std_logic;
    ra  : in  std_logic_vector(ADDR - 1 downto 0);
    rd  : out std_logic_vector(WIDTH - 1 downto 0) := (others => '0')
  );
end entity;

architecture rtl of nn_ram is
  type words is array (0 to DEPTH - 1) of std_logic_vector(WIDTH - 1 downto 0);
  signal memory : words := (others => (others => '0'));
begin
  process (clk)
  begin
    if rising_edge(clk) then
      if we = '1' then
        memory(to_integer(unsigned(wa))) <= wd;
      end if;
      if re = '1' then
        rd <= memory(to_integer(unsigned(ra)));
      end if;
    end if;
  end process;
end architecture;
