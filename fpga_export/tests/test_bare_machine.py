"""Exports on a machine that has GHDL and make, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from fpga_export.core.ir import Network
from fpga_export.core.vhdl.design import design
from fpga_export.core.vhdl.stream import STREAM_LIBRARY
from fpga_export.core.vhdl.stream_design import stream_design
from fpga_export.simulators import library, write
from fpga_export.tests.small_networks import classifier, pictures
from tests.services.bare import make_sim


def compact(network: Network) -> dict[str, str]:
    return design(network, lanes=4, pictures=list(pictures(2)), name="red", library=library())


def stream(network: Network) -> dict[str, str]:
    texts = library(STREAM_LIBRARY)
    return stream_design(network, lanes=4, pictures=list(pictures(2)), name="red", library=texts)


@pytest.mark.parametrize("written", [compact, stream])
def test_make_sim_passes_with_ghdl_make_and_coreutils_alone(
    tmp_path: Path, written: Callable[[Network], dict[str, str]]
) -> None:
    folder = tmp_path / "design"
    write(written(classifier()), folder)
    done = make_sim(folder, tmp_path / "bin")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS" in done.stdout + done.stderr


@pytest.mark.parametrize("written", [compact, stream])
def test_make_sim_fails_there_too_when_a_weight_is_wrong(
    tmp_path: Path, written: Callable[[Network], dict[str, str]]
) -> None:
    folder = tmp_path / "design"
    files = written(classifier())
    name = next(
        one for one in files if one.startswith("rom/") and "conv" in one and "bias" not in one
    )
    place = files[name].index('x"') + 2
    digit = "0" if files[name][place] != "0" else "1"
    files[name] = files[name][:place] + digit + files[name][place + 1 :]
    write(files, folder)
    done = make_sim(folder, tmp_path / "bin")
    assert done.returncode != 0
    assert "FAIL" in done.stdout + done.stderr
