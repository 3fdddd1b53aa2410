"""GHDL, for tests: analyse and run VHDL texts in a folder."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest


def needs(program: str, package: str = "") -> str:
    """Where `program` is; without it the test is skipped, and in CI it fails."""
    found = shutil.which(program)
    if found is None:
        wanted = f"install the package {package or program}"
        if os.environ.get("CI"):
            pytest.fail(wanted)
        pytest.skip(wanted)
    return found


def ghdl(folder: Path, *words: str) -> str:
    """What `ghdl` says; its error is the test's."""
    done = subprocess.run(
        [needs("ghdl"), *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def analyse(folder: Path, texts: Mapping[str, str]) -> None:
    """Analyse the texts (file name: VHDL-2008), in that order."""
    for name, text in texts.items():
        (folder / name).write_text(text)
    ghdl(folder, "-a", "--std=08", *texts)


def run(folder: Path, texts: Mapping[str, str], top: str) -> str:
    """Analyse and run the bench `top`; what it reported."""
    analyse(folder, texts)
    return ghdl(
        folder, "--elab-run", "--std=08", top, "--assert-level=error", "--ieee-asserts=disable-at-0"
    )


READER = """
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use std.textio.all;
entity reader is end entity;
architecture bench of reader is
  signal clk      : std_logic := '0';
  signal address  : std_logic_vector({address_bits} - 1 downto 0) := (others => '0');
  signal data_out : std_logic_vector({bits} - 1 downto 0);
begin
  dut : entity work.{entity} port map (clk => clk, address => address, data_out => data_out);
  process
    variable row : line;
  begin
    for i in 0 to 2**{address_bits} - 1 loop
      address <= std_logic_vector(to_unsigned(i, {address_bits}));
      clk <= '0';
      wait for 1 ns;
      clk <= '1';
      wait for 1 ns;
      hwrite(row, data_out);
      writeline(output, row);
    end loop;
    wait;
  end process;
end architecture;
"""


def through_the_port(
    folder: Path, entity: str, text: str, *, bits: int, address_bits: int
) -> list[int]:
    """Every word of a ROM entity, read by a clocked bench at each address in turn."""
    bench = READER.format(entity=entity, bits=bits, address_bits=address_bits)
    said = run(folder, {"rom.vhd": text, "reader.vhd": bench}, "reader")
    return [int(line, 16) for line in said.split()]
