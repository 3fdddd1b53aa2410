-- Types and arithmetic that all entities share.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

package nn_pkg is
  type nn_integers is array (natural range <>) of integer;

  -- Bits that count to n - 1, never none.
  function nn_bits(n : positive) return positive;
  function nn_words(channels, pack : positive) return positive;
  function nn_max(a, b : integer) return integer;

  -- A code as a signed number, one bit wider: unsigned codes have no sign of their own. GHDL 2.0
  -- synthesises no call with a slice whose bounds vary: that goes into a variable first.
  function nn_code(word : signed; is_signed : boolean) return signed;

  -- clip((a + 2**(shift-1)) / 2**shift, low, high), rounded towards minus infinity; a negative shift
  -- multiplies. leak_bits >= 0: first a becomes a * leak_factor where negative, a * 2**leak_bits
  -- elsewhere.
  function nn_round(
    a : signed; shift, low, high, leak_factor, leak_bits : integer; bits : positive
  ) return std_logic_vector;
end package;

package body nn_pkg is
  function nn_bits(n : positive) return positive is
    variable bits : positive := 1;
  begin
    while 2 ** bits < n loop
      bits := bits + 1;
    end loop;
    return bits;
  end function;

  function nn_words(channels, pack : positive) return positive is
  begin
    return (channels + pack - 1) / pack;
  end function;

  function nn_max(a, b : integer) return integer is
  begin
    if a > b then
      return a;
    end if;
    return b;
  end function;

  function nn_code(word : signed; is_signed : boolean) return signed is
    variable wide : signed(word'length downto 0);
  begin
    wide := resize(word, word'length + 1);
    if not is_signed then
      wide(word'length) := '0';
    end if;
    return wide;
  end function;

  function nn_round(
    a : signed; shift, low, high, leak_factor, leak_bits : integer; bits : positive
  ) return std_logic_vector is
    constant LEAK  : natural  := nn_max(leak_bits, 0);
    constant GROW  : natural  := nn_max(-shift, 0);
    constant WIDTH : positive := nn_max(nn_max(a'length + LEAK, shift), bits + 1) + GROW + 2;
    variable wide  : signed(WIDTH - 1 downto 0);
    variable moved : signed(WIDTH - 1 downto 0);
    variable code  : signed(bits downto 0);  -- of either kind: signed or unsigned
    variable fits  : boolean := true;
  begin
    wide := resize(a, WIDTH);
    if leak_bits >= 0 then
      if a(a'left) = '1' then
        -- Shifts and sums: GHDL 2.0 writes this product by a constant to Verilog without its sign.
        wide := (others => '0');
        for i in 0 to nn_max(LEAK - 1, 0) loop
          if (leak_factor / 2 ** i) mod 2 = 1 then
            wide := wide + resize(a & (i downto 1 => '0'), WIDTH);
          end if;
        end loop;
      else
        wide := resize(a & (LEAK downto 1 => '0'), WIDTH);
      end if;
    end if;
    moved := wide;
    if shift > 0 then
      -- A slice, not shift_right: GHDL 2.0 writes that to Verilog as a logical shift. Halves go up
      -- by the last bit that is cut off: of a variable of which one bit is set GHDL 2.0 forgets it.
      moved := resize(wide(WIDTH - 1 downto nn_max(shift, 0)), WIDTH);
      moved := moved + signed'("0" & wide(nn_max(shift - 1, 0) downto nn_max(shift - 1, 0)));
    elsif shift < 0 then
      moved := resize(wide & (GROW downto 1 => '0'), WIDTH);
    end if;
    -- No comparison with a wide constant: GHDL 2.0 writes those to Verilog as strings, or without
    -- their sign.
    for i in bits to WIDTH - 2 loop
      if moved(i) /= moved(WIDTH - 1) then
        fits := false;
      end if;
    end loop;
    code := resize(moved, bits + 1);
    if not fits then
      if moved(WIDTH - 1) = '1' then
        code := to_signed(low, bits + 1);
      else
        code := to_signed(high, bits + 1);
      end if;
    elsif code < low then
      code := to_signed(low, bits + 1);
    elsif code > high then
      code := to_signed(high, bits + 1);
    end if;
    return std_logic_vector(code(bits - 1 downto 0));
  end function;
end package body;
