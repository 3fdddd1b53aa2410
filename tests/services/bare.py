"""What a fresh Debian has after `apt install ghdl make`: coreutils, a shell, and those two."""

import shutil
import subprocess
from pathlib import Path

import pytest

# Of Debian's coreutils, those that a Makefile might want; and dash.
BASE = (
    "sh",
    "mkdir",
    "rm",
    "cp",
    "mv",
    "cat",
    "ls",
    "echo",
    "dirname",
    "basename",
    "test",
    "touch",
)
INSTALLED = {"ghdl": "ghdl", "make": "make"}


def bare_environment(folder: Path) -> dict[str, str]:
    """An environment whose path leads to `folder` alone, filled with links to those programs."""
    folder.mkdir()
    for program, package in INSTALLED.items():
        if shutil.which(program) is None:
            pytest.skip(f"install the package {package}")
    found = [Path(str(shutil.which(program))) for program in (*BASE, *INSTALLED)]
    ghdl = Path(str(shutil.which("ghdl")))
    # Debian's ghdl is a script that runs the ghdl-mcode, -gcc or -llvm beside it.
    for path in {*found, *ghdl.parent.glob("ghdl-*")}:
        (folder / path.name).symlink_to(path)
    return {"PATH": str(folder), "HOME": str(folder)}


def make_sim(design: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """`make sim` in the folder of a design, on such a machine."""
    environment = bare_environment(folder)
    return subprocess.run(
        [str(folder / "make"), "sim"],
        cwd=design,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
