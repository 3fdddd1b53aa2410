"""The compact core in VHDL: the library's engines, wired for one integer network."""
