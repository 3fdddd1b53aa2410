-- A convolution of a stream: CHANNELS of a pixel meet LANES output channels in a cycle.
-- With PER_CHANNEL each channel meets its own weight alone, all of a pixel at once.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity ns_mac is
  generic (
    IH, IW, IC, OH, OW, OC : positive;
    LANES, CHANNELS : positive;  -- output and input channels a cycle
    KH, KW, SH, SW, DH, DW : positive;
    PT, PL : natural;
    ROWS : positive;
    PER_CHANNEL, XS : boolean;  -- XS: the input's codes are signed
    XB, WB, BB, SB, YB : positive;
    SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS : integer;
    WADDR, BADDR : positive
  );
  port (
    clk  : in  std_logic;
    in_valid  : in  std_logic;
    in_ready  : out std_logic;
    in_data   : in  std_logic_vector(IC * XB - 1 downto 0);
    stepped   : out std_logic;  -- for the test bench
    out_valid : out std_logic;
    out_ready : in  std_logic;
    out_data  : out std_logic_vector(OC * YB - 1 downto 0);
    re   : out std_logic;
    w_ra : out std_logic_vector(WADDR - 1 downto 0);
    w_rd : in  std_logic_vector(LANES * CHANNELS * WB - 1 downto 0);
    b_ra : out std_logic_vector(BADDR - 1 downto 0);
    b_rd : in  std_logic_vector(LANES * BB - 1 downto 0)
  );
end entity;

architecture rtl of ns_mac is
  function chunks_of return positive is
  begin
    if PER_CHANNEL then
      return 1;
    end if;
    return nn_words(IC, CHANNELS);
  end function;

  function which(lane, channel : natural) return natural is
  begin
    if PER_CHANNEL then
      return lane;
    end if;
    return channel;
  end function;

  constant CHUNKS : positive := chunks_of;
  constant GROUPS : positive := nn_words(OC, LANES);
  constant MEETING : positive := nn_max(CHANNELS, nn_max(LANES * boolean'pos(PER_CHANNEL), 1));
  constant FILLED : positive := nn_max(CHUNKS * CHANNELS, nn_max(IC, LANES)) * XB;
  type sums_of is array (0 to LANES - 1) of signed(SB - 1 downto 0);
  type codes_of is array (0 to MEETING - 1) of integer range -(2 ** (XB - 1)) to 2 ** XB - 1;
  signal full, last_2 : std_logic := '0';
  -- Wires have no first value: GHDL 2.0's Verilog would hold it until they change.
  signal advance, early, valid, on_picture, first, last : std_logic;
  signal group_2 : natural range 0 to GROUPS := 0;
  signal group_early, group_1 : natural range 0 to GROUPS;
  signal chunk : natural range 0 to CHUNKS;
  signal tap : std_logic_vector(IC * XB - 1 downto 0);
  signal sums : sums_of;
  signal codes : codes_of;
  signal word : std_logic_vector(GROUPS * LANES * YB - 1 downto 0) := (others => '0');
begin
  advance <= out_ready or not full;
  out_valid <= full;
  stepped <= valid and advance;
  out_data <= word(OC * YB - 1 downto 0);
  re <= advance and early;
  b_ra <= std_logic_vector(to_unsigned(group_early, BADDR));

  walk : entity work.ns_walk
    generic map (
      IH => IH, IW => IW, OH => OH, OW => OW, GROUPS => GROUPS, CHUNKS => CHUNKS,
      KH => KH, KW => KW, SH => SH, SW => SW, DH => DH, DW => DW, PT => PT, PL => PL,
      ROWS => ROWS, WIDTH => IC * XB, WADDR => WADDR
    )
    port map (
      clk => clk, advance => advance, in_valid => in_valid, in_ready => in_ready,
      in_data => in_data, wa => w_ra, early => early, group_early => group_early, valid => valid,
      on_picture => on_picture, first => first, last => last, group_index => group_1, chunk => chunk,
      data => tap
    );

  -- The codes that meet weights in this cycle, by input channel, or with PER_CHANNEL by lane.
  choose : process (all)
    variable pixel : std_logic_vector(FILLED - 1 downto 0);
    variable code : signed(XB - 1 downto 0);
    variable from : natural;
  begin
    pixel := (others => '0');
    pixel(IC * XB - 1 downto 0) := tap;
    for j in 0 to MEETING - 1 loop
      codes(j) <= 0;
      for k in 0 to CHUNKS - 1 loop
        if on_picture = '1' and chunk = k then
          from := (k * CHANNELS + j) * XB;
          code := signed(pixel(from + XB - 1 downto from));
          codes(j) <= to_integer(nn_code(code, XS));
        end if;
      end loop;
    end loop;
  end process;

  -- Integers simulate several times faster than vectors, and a range stops a sum that is too large.
  narrow : if SB <= 31 and XB + WB <= 31 generate
    subtype sum is integer range -(2 ** (SB - 1)) to 2 ** (SB - 1) - 1;
    type kept_of is array (0 to LANES - 1) of sum;
    signal kept : kept_of := (others => 0);
  begin
    gather : for i in 0 to LANES - 1 generate
      sums(i) <= to_signed(kept(i), SB);
    end generate;

    process (clk)
      variable grown : sum;
      variable at : natural;
    begin
      if rising_edge(clk) and advance = '1' and valid = '1' then
        for i in 0 to LANES - 1 loop
          grown := kept(i);
          if first = '1' then
            grown := to_integer(signed(b_rd((i + 1) * BB - 1 downto i * BB)));
          end if;
          for j in 0 to CHANNELS - 1 loop
            at := (i * CHANNELS + j) * WB;
            grown := grown
              + codes(which(i, j)) * to_integer(signed(w_rd(at + WB - 1 downto at)));
          end loop;
          kept(i) <= grown;
        end loop;
      end if;
    end process;
  end generate;

  wide : if SB > 31 or XB + WB > 31 generate
    constant TOTAL : positive := nn_max(SB, XB + WB) + 1;
    signal kept : sums_of := (others => (others => '0'));
  begin
    sums <= kept;

    process (clk)
      -- A product of two codes is an integer still, however wide the sum.
      variable w : integer range -(2 ** (WB - 1)) to 2 ** (WB - 1) - 1;
      variable grown : signed(TOTAL - 1 downto 0);
      variable at : natural;
    begin
      if rising_edge(clk) and advance = '1' and valid = '1' then
        for i in 0 to LANES - 1 loop
          grown := resize(kept(i), TOTAL);
          if first = '1' then
            grown := resize(signed(b_rd((i + 1) * BB - 1 downto i * BB)), TOTAL);
          end if;
          for j in 0 to CHANNELS - 1 loop
            at := (i * CHANNELS + j) * WB;
            w := to_integer(signed(w_rd(at + WB - 1 downto at)));
            grown := grown + to_signed(codes(which(i, j)) * w, TOTAL);
          end loop;
          kept(i) <= resize(grown, SB);
        end loop;
      end if;
    end process;
  end generate;

  flags : process (clk)
  begin
    if rising_edge(clk) and advance = '1' then
      last_2 <= valid and last;
      group_2 <= group_1;
    end if;
  end process;

  writer : process (clk)
  begin
    if rising_edge(clk) and advance = '1' then
      full <= '0';
      if last_2 = '1' then
        for k in 0 to GROUPS - 1 loop
          if group_2 = k then
            for i in 0 to LANES - 1 loop
              word((k * LANES + i + 1) * YB - 1 downto (k * LANES + i) * YB) <=
                nn_round(sums(i), SHIFT, LOW, HIGH, LEAK_FACTOR, LEAK_BITS, YB);
            end loop;
          end if;
        end loop;
        if group_2 = GROUPS - 1 then
          full <= '1';
        end if;
      end if;
    end if;
  end process;
end architecture;
