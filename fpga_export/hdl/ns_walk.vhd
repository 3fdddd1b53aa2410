-- Keeps the last rows of a picture that streams in, a pixel of all channels a word, and walks a window
-- over them as soon as they are there.
--
-- The order, from the slowest: output row, output column, group of output channels, kernel row,
-- kernel column, chunk of input channels. Nothing moves while `advance` is low.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity ns_walk is
  generic (
    IH, IW, OH, OW, GROUPS, CHUNKS : positive;
    KH, KW, SH, SW, DH, DW : positive;
    PT, PL : natural;
    ROWS  : positive;  -- that are kept: those of a window and of two strides
    WIDTH : positive;  -- bits of a pixel
    WADDR : positive
  );
  port (
    clk      : in  std_logic;
    advance  : in  std_logic;
    in_valid : in  std_logic;
    in_ready : out std_logic;
    in_data  : in  std_logic_vector(WIDTH - 1 downto 0);
    -- A cycle before the tap, for memories that answer a cycle later.
    early       : out std_logic;  -- there is one
    wa          : out std_logic_vector(WADDR - 1 downto 0) := (others => '0');
    group_early : out natural range 0 to GROUPS := 0;
    -- The tap.
    valid  : out std_logic := '0';
    on_picture : out std_logic := '0';  -- the tap lies on the picture
    first  : out std_logic := '0';
    last   : out std_logic := '0';
    group_index : out natural range 0 to GROUPS := 0;
    chunk  : out natural range 0 to CHUNKS := 0;
    data   : out std_logic_vector(WIDTH - 1 downto 0) := (others => '0')
  );
end entity;

architecture rtl of ns_walk is
  constant DEPTH : positive := nn_max(ROWS * IW, 2);
  constant BEGINS : natural := (PT mod ROWS) * IW;
  type words is array (0 to DEPTH - 1) of std_logic_vector(WIDTH - 1 downto 0);
  signal memory : words := (others => (others => '0'));
  signal room : std_logic := '0';
  signal address : natural range 0 to DEPTH - 1 := 0;
  signal valid_0, on_picture_0, first_0, last_0 : std_logic := '0';
  signal group_0 : natural range 0 to GROUPS := 0;
  signal chunk_0 : natural range 0 to CHUNKS := 0;
begin
  in_ready <= room;
  group_early <= group_0;
  early <= valid_0;

  control : process (clk)
    variable reading : boolean := true;
    variable flushed : boolean := true;
    variable wrow : natural range 0 to IH := 0;
    variable wcol : natural range 0 to IW := 0;
    variable place : natural range 0 to DEPTH := BEGINS;
    variable oy : natural range 0 to OH := 0;
    variable ox : natural range 0 to OW := 0;
    variable g  : natural range 0 to GROUPS := 0;
    variable ky : natural range 0 to KH := 0;
    variable kx : natural range 0 to KW := 0;
    variable c  : natural range 0 to CHUNKS := 0;
    variable y0, y : integer range -PT to IH + OH * SH + KH * DH + 1 := -PT;
    variable x0, x : integer range -PL to IW + OW * SW + KW * DW + 1 := -PL;
    variable row0, row : natural range 0 to (2 * ROWS + SH + DH + 1) * IW := 0;
    variable step : natural range 0 to 2 ** WADDR := 0;
    variable covered : boolean;
  begin
    if rising_edge(clk) then
      if in_valid = '1' and room = '1' then
        memory(place) <= in_data;
        place := place + 1;
        if place = ROWS * IW then
          place := 0;
        end if;
        wcol := wcol + 1;
        if wcol = IW then
          wcol := 0;
          wrow := wrow + 1;
        end if;
      end if;

      if advance = '1' then
        valid_0 <= '0';
        if not reading then
          flushed := true;
        else
          covered := y >= 0 and y < IH and x >= 0 and x < IW;
          -- Padding waits too, for the first pixel: there may be no next picture.
          if (wrow > 0 or wcol > 0)
            and (not covered or y < wrow or (y = wrow and x < wcol))
          then
            valid_0 <= '1';
            on_picture_0 <= '0';
            address <= 0;
            if covered then
              on_picture_0 <= '1';
              address <= row + x;
            end if;
            first_0 <= '0';
            last_0 <= '0';
            if ky = 0 and kx = 0 and c = 0 then
              first_0 <= '1';
            end if;
            if ky = KH - 1 and kx = KW - 1 and c = CHUNKS - 1 then
              last_0 <= '1';
            end if;
            group_0 <= g;
            chunk_0 <= c;
            wa <= std_logic_vector(to_unsigned(step, WADDR));

            step := step + 1;
            if c < CHUNKS - 1 then
              c := c + 1;
            else
              c := 0;
              if kx < KW - 1 then
                kx := kx + 1;
                x := x + DW;
              else
                kx := 0;
                x := x0;
                if ky < KH - 1 then
                  ky := ky + 1;
                  y := y + DH;
                  row := row + DH * IW;
                  if row >= ROWS * IW then
                    row := row - ROWS * IW;
                  end if;
                else
                  ky := 0;
                  y := y0;
                  row := row0;
                  if g < GROUPS - 1 then
                    g := g + 1;
                  else
                    g := 0;
                    step := 0;
                    if ox < OW - 1 then
                      ox := ox + 1;
                      x0 := x0 + SW;
                    else
                      ox := 0;
                      x0 := -PL;
                      if oy < OH - 1 then
                        oy := oy + 1;
                        y0 := y0 + SH;
                        row0 := row0 + SH * IW;
                        if row0 >= ROWS * IW then
                          row0 := row0 - ROWS * IW;
                        end if;
                      else
                        reading := false;
                        flushed := false;
                      end if;
                    end if;
                    x := x0;
                    y := y0;
                    row := row0;
                  end if;
                end if;
              end if;
            end if;
          end if;
        end if;

        valid <= valid_0;
        on_picture <= on_picture_0;
        first <= first_0;
        last <= last_0;
        group_index <= group_0;
        chunk <= chunk_0;
        if valid_0 = '1' then
          data <= memory(address);
        end if;
      end if;

      -- The next picture may come when this one was read and has come whole.
      if not reading and flushed and wrow = IH then
        reading := true;
        wrow := 0; wcol := 0; place := BEGINS;
        oy := 0; ox := 0; y0 := -PT; y := -PT; x0 := -PL; x := -PL; row0 := 0; row := 0;
      end if;
      room <= '0';
      -- Rows of the window before are kept too: the last of them may not have been read yet.
      if wrow < IH and (not reading or wrow < nn_max(y0 - SH, 0) + ROWS) then
        room <= '1';
      end if;
    end if;
  end process;
end architecture;
