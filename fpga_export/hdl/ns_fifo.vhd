-- Pixels of one branch wait here for those of the other. What comes in is out two edges later.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity ns_fifo is
  generic (
    DEPTH : positive range 2 to positive'high;
    WIDTH : positive
  );
  port (
    clk : in  std_logic;
    in_valid  : in  std_logic;
    in_ready  : out std_logic;
    in_data   : in  std_logic_vector(WIDTH - 1 downto 0);
    out_valid : out std_logic;
    out_ready : in  std_logic;
    out_data  : out std_logic_vector(WIDTH - 1 downto 0) := (others => '0')
  );
end entity;

architecture rtl of ns_fifo is
  type words is array (0 to DEPTH - 1) of std_logic_vector(WIDTH - 1 downto 0);
  signal memory : words := (others => (others => '0'));
  signal count : natural range 0 to DEPTH := 0;
  signal reading, writing : natural range 0 to DEPTH - 1 := 0;
  signal front : std_logic := '0';
begin
  in_ready <= '1' when count < DEPTH else '0';
  out_valid <= front;

  process (clk)
    variable counted : natural range 0 to DEPTH + 1;
  begin
    if rising_edge(clk) then
      counted := count;
      if front = '0' or out_ready = '1' then
        front <= '0';
        if count > 0 then
          front <= '1';
          out_data <= memory(reading);
          counted := counted - 1;
          if reading = DEPTH - 1 then
            reading <= 0;
          else
            reading <= reading + 1;
          end if;
        end if;
      end if;
      if in_valid = '1' and count < DEPTH then
        memory(writing) <= in_data;
        counted := counted + 1;
        if writing = DEPTH - 1 then
          writing <= 0;
        else
          writing <= writing + 1;
        end if;
      end if;
      count <= counted;
    end if;
  end process;
end architecture;
