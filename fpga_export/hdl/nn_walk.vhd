-- Walks a window over a picture and says, a cycle at a time, what is to be read.
--
-- The order, from the slowest: output row, output column, group of output channels, kernel row,
-- kernel column, input channel. With PER_CHANNEL a group reads its own channels alone, a word at
-- once. All outputs are registers and belong together: they say one step.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity nn_walk is
  generic (
    IH, IW, IC, IP : positive;  -- the input's height, width, channels, channels a word
    OH, OW, GROUPS : positive;  -- the output's height, width, words a pixel
    KH, KW, SH, SW, DH, DW : positive;  -- kernel, stride, dilation
    PT, PL : natural;  -- padding above and on the left
    PER_CHANNEL : boolean;
    ADDR  : positive;  -- bits of an address in the input
    WADDR : positive  -- bits of an address in the weights
  );
  port (
    clk    : in  std_logic;
    start  : in  std_logic;
    valid  : out std_logic := '0';  -- there is a step
    on_picture : out std_logic;  -- it lies inside of the picture
    first  : out std_logic;  -- it begins a sum
    last   : out std_logic;  -- it ends a sum
    closing  : out std_logic;  -- it ends the last sum
    ra     : out std_logic_vector(ADDR - 1 downto 0) := (others => '0');
    wa     : out std_logic_vector(WADDR - 1 downto 0) := (others => '0');
    group_index : out natural range 0 to GROUPS := 0;
    lane   : out natural range 0 to IP := 0  -- which channel of the word
  );
end entity;

architecture rtl of nn_walk is
  function steps_of(channels : positive) return positive is
  begin
    if PER_CHANNEL then
      return 1;
    end if;
    return channels;
  end function;

  constant STEPS : positive := steps_of(IC);
  constant CW    : positive := nn_words(IC, IP);
  constant LINE  : positive := IW * CW;
  -- One value to spare, so that no counter has a range of nothing.
  constant Y_END : positive := IH + OH * SH + KH * DH + 1;
  constant X_END : positive := IW + OW * SW + KW * DW + 1;
begin
  process (clk)
    variable going : boolean := false;
    variable oy : natural range 0 to OH;
    variable ox : natural range 0 to OW;
    variable g  : natural range 0 to GROUPS;
    variable ky : natural range 0 to KH;
    variable kx : natural range 0 to KW;
    variable c  : natural range 0 to STEPS;
    variable l  : natural range 0 to IP;
    variable w  : natural range 0 to CW;
    variable y0, y : integer range -PT to Y_END;
    variable x0, x : integer range -PL to X_END;
    variable row0, row : integer range -PT * LINE to Y_END * LINE;
    variable col0, col : integer range -PL * CW to X_END * CW;
    variable step : natural range 0 to 2 ** WADDR;
    variable covered : boolean;
  begin
    if rising_edge(clk) then
      if start = '1' then
        going := true;
        oy := 0; ox := 0; g := 0; ky := 0; kx := 0; c := 0; l := 0; w := 0; step := 0;
        y0 := -PT; y := -PT; row0 := -PT * LINE; row := -PT * LINE;
        x0 := -PL; x := -PL; col0 := -PL * CW; col := -PL * CW;
      elsif going then
        step := step + 1;
        if c < STEPS - 1 then
          c := c + 1;
          if l < IP - 1 then
            l := l + 1;
          else
            l := 0;
            w := w + 1;
          end if;
        else
          c := 0; l := 0; w := 0;
          if kx < KW - 1 then
            kx := kx + 1;
            x := x + DW;
            col := col + DW * CW;
          else
            kx := 0; x := x0; col := col0;
            if ky < KH - 1 then
              ky := ky + 1;
              y := y + DH;
              row := row + DH * LINE;
            else
              ky := 0; y := y0; row := row0;
              if g < GROUPS - 1 then
                g := g + 1;
              else
                g := 0; step := 0;
                if ox < OW - 1 then
                  ox := ox + 1;
                  x0 := x0 + SW;
                  col0 := col0 + SW * CW;
                else
                  ox := 0; x0 := -PL; col0 := -PL * CW;
                  if oy < OH - 1 then
                    oy := oy + 1;
                    y0 := y0 + SH;
                    row0 := row0 + SH * LINE;
                  else
                    going := false;
                  end if;
                end if;
                x := x0; col := col0; y := y0; row := row0;
              end if;
            end if;
          end if;
        end if;
      end if;

      valid <= '0';
      if going then
        valid <= '1';
        covered := y >= 0 and y < IH and x >= 0 and x < IW;
        on_picture <= '0';
        ra <= (others => '0');
        if covered then
          on_picture <= '1';
          if PER_CHANNEL then
            ra <= std_logic_vector(to_unsigned(row + col + g, ADDR));
          else
            ra <= std_logic_vector(to_unsigned(row + col + w, ADDR));
          end if;
        end if;
        wa <= std_logic_vector(to_unsigned(step, WADDR));
        group_index <= g;
        lane <= l;
        first <= '0';
        last <= '0';
        closing <= '0';
        if ky = 0 and kx = 0 and c = 0 then
          first <= '1';
        end if;
        if ky = KH - 1 and kx = KW - 1 and c = STEPS - 1 then
          last <= '1';
          if g = GROUPS - 1 and ox = OW - 1 and oy = OH - 1 then
            closing <= '1';
          end if;
        end if;
      end if;
    end if;
  end process;
end architecture;
