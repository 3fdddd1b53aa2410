-- Moves channels one at a time into words of another packing: side by side from several tensors
-- (Concatenate), into a frame of zeros (ZeroPadding2D), or under another shape (Reshape).
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.nn_pkg.all;

entity nn_copy is
  generic (
    INPUTS : positive;
    CHANNELS, PACKS, BITS, SHIFTS : nn_integers;  -- of each input
    SIGNS  : nn_integers;  -- 1 where an input's codes are signed
    PARTS  : nn_integers;  -- channels of an output pixel that come from each input
    XW     : positive;  -- bits of all inputs' words together, the first at the right end
    OH, OW, OC, LANES : positive;
    PT, PB, PL, PR : natural;  -- of the output's rows and columns, those that are zeros
    YB     : positive;
    LOW, HIGH : integer;
    ADDR   : positive;  -- bits of an address in any input
    YADDR  : positive
  );
  port (
    clk   : in  std_logic;
    start : in  std_logic;
    done  : out std_logic := '0';
    x_ra  : out std_logic_vector(INPUTS * ADDR - 1 downto 0) := (others => '0');
    x_rd  : in  std_logic_vector(XW - 1 downto 0);
    y_we  : out std_logic := '0';
    y_wa  : out std_logic_vector(YADDR - 1 downto 0) := (others => '0');
    y_wd  : out std_logic_vector(LANES * YB - 1 downto 0)
  );
end entity;

architecture rtl of nn_copy is
  type counters is array (0 to INPUTS - 1) of natural;
  signal valid, on_picture, closing, full, valid_1, on_picture_1, closing_1, full_1 : std_logic := '0';
  signal valid_2, closing_2, full_2, closing_3 : std_logic := '0';
  signal chosen, chosen_1 : natural range 0 to INPUTS := 0;
  signal lane, lane_1 : natural := 0;
  signal slot, slot_1, slot_2 : natural range 0 to LANES := 0;
  signal code : std_logic_vector(YB - 1 downto 0);

  impure function read_code(input, which : natural) return std_logic_vector is
    variable base : natural := 0;
    variable result : std_logic_vector(YB - 1 downto 0) := (others => '0');
  begin
    for k in 0 to INPUTS - 1 loop
      for i in 0 to PACKS(k) - 1 loop
        if input = k and which = i then
          result := nn_round(
            nn_code(
              signed(x_rd(base + (i + 1) * BITS(k) - 1 downto base + i * BITS(k))), SIGNS(k) = 1
            ),
            SHIFTS(k), LOW, HIGH, 0, -1, YB
          );
        end if;
      end loop;
      base := base + PACKS(k) * BITS(k);
    end loop;
    return result;
  end function;
begin
  process (clk)
    variable going : boolean := false;
    variable y : natural range 0 to OH;
    variable x : natural range 0 to OW;
    variable c : natural range 0 to OC;
    variable part : natural range 0 to INPUTS;
    variable taken : natural;  -- channels taken from `part` for this pixel
    variable place : natural range 0 to LANES;
    variable words, lanes_of, channel_of : counters;
    variable covered, ends : boolean;
    variable word : std_logic_vector(LANES * YB - 1 downto 0);
    variable address : natural range 0 to 2 ** YADDR;
  begin
    if rising_edge(clk) then
      if start = '1' then
        going := true;
        y := 0; x := 0; c := 0; part := 0; taken := 0; place := 0; address := 0;
        words := (others => 0); lanes_of := (others => 0); channel_of := (others => 0);
        word := (others => '0');
      elsif going then
        if covered then
          -- One channel on in the input that was read.
          for k in 0 to INPUTS - 1 loop
            if k = part then
              if channel_of(k) = CHANNELS(k) - 1 then
                channel_of(k) := 0; lanes_of(k) := 0; words(k) := words(k) + 1;
              else
                channel_of(k) := channel_of(k) + 1;
                if lanes_of(k) = PACKS(k) - 1 then
                  lanes_of(k) := 0; words(k) := words(k) + 1;
                else
                  lanes_of(k) := lanes_of(k) + 1;
                end if;
              end if;
            end if;
          end loop;
        end if;
        taken := taken + 1;
        for k in 0 to INPUTS - 1 loop
          if k = part and taken = PARTS(k) then
            ends := true;
            exit;
          else
            ends := false;
          end if;
        end loop;
        if ends then
          taken := 0;
          part := part + 1;
        end if;
        if place = LANES - 1 or c = OC - 1 then
          place := 0;
        else
          place := place + 1;
        end if;
        if c < OC - 1 then
          c := c + 1;
        else
          c := 0; part := 0; taken := 0;
          if x < OW - 1 then
            x := x + 1;
          else
            x := 0;
            if y < OH - 1 then
              y := y + 1;
            else
              going := false;
            end if;
          end if;
        end if;
      end if;
      covered := y >= PT and y < OH - PB and x >= PL and x < OW - PR;

      valid <= '0';
      full <= '0';
      closing <= '0';
      if going then
        valid <= '1';
        on_picture <= '0';
        if covered then
          on_picture <= '1';
        end if;
        for k in 0 to INPUTS - 1 loop
          x_ra((k + 1) * ADDR - 1 downto k * ADDR) <= (others => '0');
          if k = part and covered then
            x_ra((k + 1) * ADDR - 1 downto k * ADDR) <=
              std_logic_vector(to_unsigned(words(k), ADDR));
            lane <= lanes_of(k);
          end if;
        end loop;
        chosen <= part;
        slot <= place;
        if place = LANES - 1 or c = OC - 1 then
          full <= '1';
          if c = OC - 1 and x = OW - 1 and y = OH - 1 then
            closing <= '1';
          end if;
        end if;
      end if;

      valid_1 <= valid;
      on_picture_1 <= on_picture;
      full_1 <= full;
      closing_1 <= closing;
      chosen_1 <= chosen;
      lane_1 <= lane;
      slot_1 <= slot;
      code <= (others => '0');
      if valid_1 = '1' and on_picture_1 = '1' then
        code <= read_code(chosen_1, lane_1);
      end if;

      valid_2 <= valid_1;
      full_2 <= full_1;
      closing_2 <= closing_1;
      slot_2 <= slot_1;
      y_we <= '0';
      closing_3 <= '0';
      done <= closing_3;
      if valid_2 = '1' then
        for i in 0 to LANES - 1 loop
          if slot_2 = i then
            word((i + 1) * YB - 1 downto i * YB) := code;
          end if;
        end loop;
        if full_2 = '1' then
          y_we <= '1';
          y_wa <= std_logic_vector(to_unsigned(address, YADDR));
          y_wd <= word;
          word := (others => '0');
          address := address + 1;
          closing_3 <= closing_2;
        end if;
      end if;
    end if;
  end process;
end architecture;
