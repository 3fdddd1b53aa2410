-- The largest or the mean of a window, LANES channels at once. Padding does not count.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity nn_pool is
  generic (
    IH, IW, OH, OW, CHANNELS, LANES : positive;
    KH, KW, SH, SW, DH, DW : positive;
    PT, PL : natural;
    MEAN, XS : boolean;  -- XS: the input's codes are signed
    MULTIPLIERS : nn_integers;  -- of a mean: element n is for n cells inside; 0 is never used
    MB : positive;  -- bits of a multiplier, its sign included
    XB, SB, YB : positive;
    SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS : integer;
    ADDR, YADDR : positive
  );
  port (
    clk   : in  std_logic;
    start : in  std_logic;
    done  : out std_logic := '0';
    x_ra  : out std_logic_vector(ADDR - 1 downto 0);
    x_rd  : in  std_logic_vector(LANES * XB - 1 downto 0);
    y_we  : out std_logic := '0';
    y_wa  : out std_logic_vector(YADDR - 1 downto 0) := (others => '0');
    y_wd  : out std_logic_vector(LANES * YB - 1 downto 0)
  );
end entity;

architecture rtl of nn_pool is
  constant GROUPS : positive := nn_words(CHANNELS, LANES);
  constant CELLS  : positive := KH * KW;
  constant GB     : positive := XB + nn_bits(CELLS + 1) + 1;  -- bits of a sum, not multiplied yet
  type values is array (0 to LANES - 1) of signed(GB - 1 downto 0);
  signal valid, on_picture, first, last, closing : std_logic := '0';
  signal valid_1, on_picture_1, first_1, last_1, closing_1 : std_logic := '0';
  signal last_2, closing_2, closing_3 : std_logic := '0';
  signal grown : values := (others => (others => '0'));
  signal count : natural range 0 to CELLS + 1 := 0;
begin
  walk : entity work.nn_walk
    generic map (
      IH => IH, IW => IW, IC => CHANNELS, IP => LANES, OH => OH, OW => OW, GROUPS => GROUPS,
      KH => KH, KW => KW, SH => SH, SW => SW, DH => DH, DW => DW, PT => PT, PL => PL,
      PER_CHANNEL => true, ADDR => ADDR, WADDR => nn_bits(GROUPS * CELLS + 1)
    )
    port map (
      clk => clk, start => start, valid => valid, on_picture => on_picture, first => first, last => last,
      closing => closing, ra => x_ra, wa => open, group_index => open, lane => open
    );

  flags : process (clk)
  begin
    if rising_edge(clk) then
      valid_1 <= valid;
      on_picture_1 <= on_picture;
      first_1 <= first;
      last_1 <= last;
      closing_1 <= closing;
      last_2 <= valid_1 and last_1;
      closing_2 <= valid_1 and last_1 and closing_1;
    end if;
  end process;

  grow : process (clk)
    variable before, x : signed(GB - 1 downto 0);
    variable counted : natural range 0 to CELLS + 1;
  begin
    if rising_edge(clk) then
      if valid_1 = '1' then
        counted := count;
        if first_1 = '1' then
          counted := 0;
        end if;
        for i in 0 to LANES - 1 loop
          before := grown(i);
          if counted = 0 then
            before := (others => '0');
          end if;
          x := resize(nn_code(signed(x_rd((i + 1) * XB - 1 downto i * XB)), XS), GB);
          if on_picture_1 = '0' then
            grown(i) <= before;
          elsif MEAN then
            grown(i) <= before + x;
          elsif counted = 0 or x > before then
            grown(i) <= x;
          end if;
        end loop;
        if on_picture_1 = '1' then
          counted := counted + 1;
        end if;
        count <= counted;
      end if;
    end if;
  end process;

  writer : process (clk)
    variable address : natural range 0 to 2 ** YADDR;
    variable multiplier : signed(MB - 1 downto 0);
  begin
    if rising_edge(clk) then
      y_we <= '0';
      closing_3 <= '0';
      done <= closing_3;
      if start = '1' then
        address := 0;
      elsif last_2 = '1' then
        y_we <= '1';
        y_wa <= std_logic_vector(to_unsigned(address, YADDR));
        multiplier := (others => '0');
        for n in 1 to CELLS loop
          if MEAN and count = n then
            multiplier := to_signed(MULTIPLIERS(n), MB);
          end if;
        end loop;
        for i in 0 to LANES - 1 loop
          if MEAN then
            y_wd((i + 1) * YB - 1 downto i * YB) <= nn_round(
              resize(grown(i) * multiplier, SB), SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS, YB
            );
          else
            y_wd((i + 1) * YB - 1 downto i * YB) <= std_logic_vector(resize(unsigned(grown(i)), YB));
          end if;
        end loop;
        address := address + 1;
        closing_3 <= closing_2;
      end if;
    end if;
  end process;
end architecture;
