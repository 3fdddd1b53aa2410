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

  constant CHUNKS : positive := chunks_of;
  constant GROUPS : positive := nn_words(OC, LANES);
  constant TOTAL  : positive := nn_max(SB, XB + WB) + 1;
  constant FILLED : positive := nn_max(CHUNKS * CHANNELS, nn_max(IC, LANES)) * XB;
  type sums_of is array (0 to LANES - 1) of signed(SB - 1 downto 0);
  signal advance, full, valid, inside, first, last, last_2 : std_logic := '0';
  signal group_early, group_1, group_2 : natural range 0 to GROUPS := 0;
  signal chunk : natural range 0 to CHUNKS := 0;
  signal tap : std_logic_vector(IC * XB - 1 downto 0);
  signal sums : sums_of := (others => (others => '0'));
  signal word : std_logic_vector(GROUPS * LANES * YB - 1 downto 0) := (others => '0');
begin
  advance <= out_ready or not full;
  out_valid <= full;
  stepped <= valid and advance;
  out_data <= word(OC * YB - 1 downto 0);
  re <= advance;
  b_ra <= std_logic_vector(to_unsigned(group_early, BADDR));

  walk : entity work.ns_walk
    generic map (
      IH => IH, IW => IW, OH => OH, OW => OW, GROUPS => GROUPS, CHUNKS => CHUNKS,
      KH => KH, KW => KW, SH => SH, SW => SW, DH => DH, DW => DW, PT => PT, PL => PL,
      ROWS => ROWS, WIDTH => IC * XB, WADDR => WADDR
    )
    port map (
      clk => clk, advance => advance, in_valid => in_valid, in_ready => in_ready,
      in_data => in_data, wa => w_ra, group_early => group_early, valid => valid,
      inside => inside, first => first, last => last, group_index => group_1, chunk => chunk,
      data => tap
    );

  sum : process (clk)
    variable pixel : std_logic_vector(FILLED - 1 downto 0);
    variable code : signed(XB - 1 downto 0);
    variable x : integer range -(2 ** (XB - 1)) to 2 ** XB - 1;
    variable w : integer range -(2 ** (WB - 1)) to 2 ** (WB - 1) - 1;
    variable grown : signed(TOTAL - 1 downto 0);
    variable from : natural;
  begin
    if rising_edge(clk) and advance = '1' then
      last_2 <= valid and last;
      group_2 <= group_1;
      if valid = '1' then
        pixel := (others => '0');
        if inside = '1' then
          pixel(IC * XB - 1 downto 0) := tap;
        end if;
        for i in 0 to LANES - 1 loop
          grown := resize(sums(i), TOTAL);
          if first = '1' then
            grown := resize(signed(b_rd((i + 1) * BB - 1 downto i * BB)), TOTAL);
          end if;
          for j in 0 to CHANNELS - 1 loop
            if PER_CHANNEL then
              from := i * XB;
              code := signed(pixel(from + XB - 1 downto from));
              x := to_integer(nn_code(code, XS));
            else
              x := 0;
              for k in 0 to CHUNKS - 1 loop
                if chunk = k then
                  from := (k * CHANNELS + j) * XB;
                  code := signed(pixel(from + XB - 1 downto from));
                  x := to_integer(nn_code(code, XS));
                end if;
              end loop;
            end if;
            from := (i * CHANNELS + j) * WB;
            w := to_integer(signed(w_rd(from + WB - 1 downto from)));
            grown := grown + to_signed(x * w, TOTAL);
          end loop;
          sums(i) <= resize(grown, SB);
        end loop;
      end if;
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
