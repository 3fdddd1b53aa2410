"""The integer network as a file that other programs can read."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from fpga_export.core.integer_run import run_integer
from fpga_export.core.ir import SCHEMA, Network
from fpga_export.core.network_json import FILE, OPERATIONS, NotANetwork, network_json, read_network
from fpga_export.core.vhdl.design import design
from fpga_export.simulators import library
from fpga_export.tests.random_networks import random_network
from fpga_export.tests.small_networks import classifier, pictures


def same(one: Any, other: Any) -> bool:
    """Equal in every field, arrays included."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other)
    if dataclasses.is_dataclass(one):
        names = [field.name for field in dataclasses.fields(one)]
        return type(one) is type(other) and all(
            same(getattr(one, name), getattr(other, name)) for name in names
        )
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def test_random_networks_are_read_back_equal_in_every_field() -> None:
    seen = set()
    for seed in range(60):
        network = random_network(seed)
        back = read_network(network_json(network))
        assert same(network, back), seed
        seen |= {type(node.operation).__name__ for node in network.nodes}
    assert seen == set(OPERATIONS)  # each operation was written at least once


def test_a_network_that_was_read_back_answers_the_same() -> None:
    network = classifier()
    back = read_network(network_json(network))
    codes = pictures(3)
    for name, values in run_integer(network, codes).items():
        assert (values == run_integer(back, codes)[name]).all()


def test_the_file_can_be_read_with_nothing_but_a_json_reader() -> None:
    told = json.loads(network_json(classifier()))
    assert (told["schema"], told["answer"]) == (SCHEMA, "dense")
    conv = told["nodes"][1]["operation"]
    assert (conv["kind"], conv["weights"]["shape"]) == ("Conv", [3, 3, 1, 4])
    assert len(conv["weights"]["codes"]) == 36
    assert conv["rounding"]["shift"] == 6
    assert told["nodes"][1]["format"]["bits"] == 8


def test_every_export_carries_it() -> None:
    network = classifier()
    files = design(network, lanes=2, pictures=list(pictures(1)), name="small", library=library())
    assert same(read_network(files[FILE]), network)


def broken(change: Any) -> str:
    told = json.loads(network_json(classifier()))
    change(told)
    return json.dumps(told)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(schema=SCHEMA + 1),
        lambda told: told.pop("answer"),
        lambda told: told.update(more=1),
        lambda told: told["nodes"][1]["operation"].update(kind="Lambda"),
        lambda told: told["nodes"][1]["operation"].update(kind=["Conv"]),
        lambda told: told["nodes"][1].update(operation=None),
        lambda told: told["nodes"][1].update(shape=[8, 8]),
        lambda told: told["nodes"][1]["operation"]["weights"]["codes"].pop(),
        lambda told: told["nodes"][1]["operation"]["weights"].update(codes=[0.5] * 36),
        lambda told: told["nodes"][1]["operation"]["rounding"].update(shift="6"),
        lambda told: told["nodes"][1]["operation"]["rounding"].update(shift=True),
    ],
)
def test_what_is_no_network_of_this_schema_is_refused(change: Any) -> None:
    with pytest.raises(NotANetwork):
        read_network(broken(change))


def test_what_is_no_json_is_refused() -> None:
    for text in ("", "[]", "[" * 100_000):
        with pytest.raises(NotANetwork):
            read_network(text)


def test_the_text_names_its_schema_first() -> None:
    network: Network = classifier()
    assert network_json(network).startswith('{"schema": ' + str(SCHEMA))
