"""`python -m fpga_export.tests.fuzz_long [networks [first seed]]`: random networks in hardware.

Each is simulated as a compact core and as a stream, and compared at every layer; every fifth also
after synthesis; and each must fail when a bit of a weight flips, when it rounds otherwise, and when
an engine drops a cycle.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fpga_export.simulators import simulate, write
from fpga_export.tests.fuzz_hdl import FAULTS, broken, export, mismatch, netlist_mismatch
from fpga_export.tests.fuzz_stream import (
    stream_broken,
    stream_export,
    stream_mismatch,
    stream_netlist_mismatch,
)


@dataclass(frozen=True)
class Preset:
    """How its seeds are tried."""

    export: Callable[[int], tuple[object, dict[str, str]]]
    mismatch: Callable[[int, Path], str]
    netlist_mismatch: Callable[[int, Path], str]
    broken: Callable[[int, str], dict[str, str]]


PRESETS: Final[Mapping[str, Preset]] = {
    "compact": Preset(export, mismatch, netlist_mismatch, broken),
    "stream": Preset(stream_export, stream_mismatch, stream_netlist_mismatch, stream_broken),
}


def wrongs(preset: Preset, seed: int, folder: Path, tried: dict[str, int]) -> Iterator[str]:
    """What is wrong with the seed's network; "" where nothing is."""
    tried["rtl"] += 1
    yield preset.mismatch(seed, folder)
    if seed % 5 == 0:
        tried["netlist"] += 1
        yield preset.netlist_mismatch(seed, folder)
    files = preset.export(seed)[1]
    for fault in FAULTS:
        if fault_files := preset.broken(seed, fault):
            write({**files, **fault_files}, folder)
            tried[fault] += 1
            if simulate(folder).label != "mismatch":
                yield f"seed {seed}: a wrong {fault} went unnoticed"


def main(count: int, first: int) -> int:
    """Print what is wrong; 0 where nothing is."""
    failed = 0
    for name, preset in PRESETS.items():
        began = time.monotonic()
        tried = dict.fromkeys(("rtl", "netlist", *FAULTS), 0)
        wrong: list[str] = []
        for seed in range(first, first + count):
            folder = Path(tempfile.mkdtemp(prefix="fuzz-hdl-"))
            try:
                wrong += filter(None, wrongs(preset, seed, folder, tried))
            finally:
                shutil.rmtree(folder)
        failed += len(wrong)
        print("\n".join(wrong))
        seconds = time.monotonic() - began
        print(f"{name}: {tried} from seed {first}: {len(wrong)} wrong, {seconds:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:]]
    sys.exit(main(*(numbers + [500, 0][len(numbers) :])))
