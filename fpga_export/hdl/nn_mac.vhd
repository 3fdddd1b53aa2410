-- A convolution. Each cycle one input channel meets LANES weights (or, with PER_CHANNEL, LANES input
-- channels meet theirs). Sums are rounded and written while the next ones grow.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity nn_mac is
  generic (
    IH, IW, IC, IP : positive;
    OH, OW, OC, LANES : positive;
    KH, KW, SH, SW, DH, DW : positive;
    PT, PL : natural;
    PER_CHANNEL, XS : boolean;  -- XS: the input's codes are signed
    XB, WB, BB, SB, YB : positive;  -- bits: input, weight, bias, sum, output
    SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS : integer;
    ADDR, WADDR, BADDR, YADDR : positive
  );
  port (
    clk   : in  std_logic;
    start : in  std_logic;
    done  : out std_logic := '0';
    x_ra  : out std_logic_vector(ADDR - 1 downto 0) := (others => '0');
    x_rd  : in  std_logic_vector(IP * XB - 1 downto 0);
    w_ra  : out std_logic_vector(WADDR - 1 downto 0);
    w_rd  : in  std_logic_vector(LANES * WB - 1 downto 0);
    b_ra  : out std_logic_vector(BADDR - 1 downto 0);
    b_rd  : in  std_logic_vector(LANES * BB - 1 downto 0);
    y_we  : out std_logic := '0';
    y_wa  : out std_logic_vector(YADDR - 1 downto 0) := (others => '0');
    y_wd  : out std_logic_vector(LANES * YB - 1 downto 0)
  );
end entity;

architecture rtl of nn_mac is
  constant GROUPS : positive := nn_words(OC, LANES);
  signal valid, on_picture, first, last, closing : std_logic := '0';
  signal valid_1, on_picture_1, first_1, last_1, closing_1 : std_logic := '0';
  signal last_2, closing_2, closing_3 : std_logic := '0';
  signal group_index : natural range 0 to GROUPS := 0;
  signal lane, lane_1 : natural range 0 to IP := 0;
begin
  walk : entity work.nn_walk
    generic map (
      IH => IH, IW => IW, IC => IC, IP => IP, OH => OH, OW => OW, GROUPS => GROUPS,
      KH => KH, KW => KW, SH => SH, SW => SW, DH => DH, DW => DW, PT => PT, PL => PL,
      PER_CHANNEL => PER_CHANNEL, ADDR => ADDR, WADDR => WADDR
    )
    port map (
      clk => clk, start => start, valid => valid, on_picture => on_picture, first => first, last => last,
      closing => closing, ra => x_ra, wa => w_ra, group_index => group_index, lane => lane
    );
  b_ra <= std_logic_vector(to_unsigned(group_index, BADDR));

  flags : process (clk)
  begin
    if rising_edge(clk) then
      valid_1 <= valid;
      on_picture_1 <= on_picture;
      first_1 <= first;
      last_1 <= last;
      closing_1 <= closing;
      lane_1 <= lane;
      last_2 <= valid_1 and last_1;
      closing_2 <= valid_1 and last_1 and closing_1;
    end if;
  end process;

  -- Integers simulate several times faster than vectors, and a range stops a sum that is too large.
  narrow : if SB <= 31 and XB + WB <= 31 generate
    subtype sum is integer range -(2 ** (SB - 1)) to 2 ** (SB - 1) - 1;
    type sums_of is array (0 to LANES - 1) of sum;
    signal grown : sums_of := (others => 0);
  begin
    process (clk)
      variable code : signed(XB - 1 downto 0);
      variable x : integer range -(2 ** (XB - 1)) to 2 ** XB - 1;
      variable before : sum;
    begin
      if rising_edge(clk) then
        if valid_1 = '1' then
          x := 0;
          if on_picture_1 = '1' and not PER_CHANNEL then
            code := signed(x_rd((lane_1 + 1) * XB - 1 downto lane_1 * XB));
            x := to_integer(nn_code(code, XS));
          end if;
          for i in 0 to LANES - 1 loop
            if PER_CHANNEL and on_picture_1 = '1' then
              code := signed(x_rd((i mod IP + 1) * XB - 1 downto (i mod IP) * XB));
              x := to_integer(nn_code(code, XS));
            end if;
            if first_1 = '1' then
              before := to_integer(signed(b_rd((i + 1) * BB - 1 downto i * BB)));
            else
              before := grown(i);
            end if;
            grown(i) <= before + x * to_integer(signed(w_rd((i + 1) * WB - 1 downto i * WB)));
          end loop;
        end if;
      end if;
    end process;
    process (clk)
    begin
      if rising_edge(clk) and last_2 = '1' then
        for i in 0 to LANES - 1 loop
          y_wd((i + 1) * YB - 1 downto i * YB) <= nn_round(
            to_signed(grown(i), SB), SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS, YB
          );
        end loop;
      end if;
    end process;
  end generate;

  wide : if SB > 31 or XB + WB > 31 generate
    constant TOTAL : positive := nn_max(SB, XB + WB) + 1;
    signal sums : std_logic_vector(LANES * SB - 1 downto 0) := (others => '0');
  begin
    process (clk)
      -- A product of two codes is an integer still, however wide the sum.
      variable code : signed(XB - 1 downto 0);
      variable x : integer range -(2 ** (XB - 1)) to 2 ** XB - 1;
      variable before, grown : signed(TOTAL - 1 downto 0);
    begin
      if rising_edge(clk) then
        if valid_1 = '1' then
          x := 0;
          if on_picture_1 = '1' and not PER_CHANNEL then
            code := signed(x_rd((lane_1 + 1) * XB - 1 downto lane_1 * XB));
            x := to_integer(nn_code(code, XS));
          end if;
          for i in 0 to LANES - 1 loop
            if PER_CHANNEL and on_picture_1 = '1' then
              code := signed(x_rd((i mod IP + 1) * XB - 1 downto (i mod IP) * XB));
              x := to_integer(nn_code(code, XS));
            end if;
            if first_1 = '1' then
              before := resize(signed(b_rd((i + 1) * BB - 1 downto i * BB)), TOTAL);
            else
              before := resize(signed(sums((i + 1) * SB - 1 downto i * SB)), TOTAL);
            end if;
            grown := before + to_signed(
              x * to_integer(signed(w_rd((i + 1) * WB - 1 downto i * WB))), TOTAL
            );
            sums((i + 1) * SB - 1 downto i * SB) <= std_logic_vector(resize(grown, SB));
          end loop;
        end if;
      end if;
    end process;
    process (clk)
    begin
      if rising_edge(clk) and last_2 = '1' then
        for i in 0 to LANES - 1 loop
          y_wd((i + 1) * YB - 1 downto i * YB) <= nn_round(
            signed(sums((i + 1) * SB - 1 downto i * SB)),
            SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS, YB
          );
        end loop;
      end if;
    end process;
  end generate;

  writer : process (clk)
    variable address : natural range 0 to 2 ** YADDR;
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
        address := address + 1;
        closing_3 <= closing_2;
      end if;
    end if;
  end process;
end architecture;
