"""Programs of others end at their limits, and so does all that they start."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from fpga_export.confined import Limits, ProgramMissing, run_confined

ROOT = Path(__file__).resolve().parents[2]
FEW = Limits(cpu_seconds=5, memory=1 << 30, file=1 << 20, wall_seconds=10.0, processes=20)


BOMB = """
import os, sys
from pathlib import Path
from fpga_export.confined import Limits, run_confined
if os.getuid() == 0:  # the system holds nobody but root above this limit
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
bomb = "for i in $(seq 200); do sleep 20 & done; echo all began"
ran = run_confined(
    ["sh", "-c", bomb], Path(sys.argv[1]), Limits(wall_seconds=5.0, processes=20)
)
print(ran.code, ran.said)
"""


def test_a_fork_bomb_gets_no_further_than_its_limit() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", BOMB, folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    code, _, said = done.stdout.partition(" ")
    assert int(code) != 0
    assert "fork" in said.lower()
    assert "all began" not in said


def test_a_program_in_a_loop_ends_with_its_processor_time(tmp_path: Path) -> None:
    began = time.monotonic()
    ran = run_confined(["sh", "-c", "while :; do :; done"], tmp_path, Limits(cpu_seconds=1))
    assert ran.stopped
    assert time.monotonic() - began < 30


def test_a_program_that_waits_ends_with_the_time_and_takes_its_children_along(
    tmp_path: Path,
) -> None:
    ran = run_confined(["sh", "-c", "sleep 61 & echo $!; wait"], tmp_path, Limits(wall_seconds=0.5))
    assert ran.stopped
    child = Path(f"/proc/{int(ran.said)}/stat")
    until = time.monotonic() + 5
    while time.monotonic() < until and child.exists() and " Z " not in child.read_text():
        time.sleep(0.05)
    assert not child.exists() or " Z " in child.read_text()


def test_a_program_writes_no_file_beyond_its_size(tmp_path: Path) -> None:
    ran = run_confined(["sh", "-c", "yes > big"], tmp_path, FEW)
    assert ran.stopped
    assert (tmp_path / "big").stat().st_size <= FEW.file


def test_a_program_gets_no_more_memory_than_it_may(tmp_path: Path) -> None:
    eats = "import sys; sys.stderr = open('/dev/null', 'w'); bytearray(2 << 30)"
    assert run_confined(["python3", "-c", eats], tmp_path, FEW).code != 0
    assert run_confined(["python3", "-c", "bytearray(1 << 20)"], tmp_path, FEW).code == 0


def test_a_program_sees_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET_KEY", "canary")
    assert "canary" not in run_confined(["env"], tmp_path, FEW).said


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing, match="no-such-program"):
        run_confined(["no-such-program"], tmp_path, FEW)
