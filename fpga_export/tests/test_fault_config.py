"""A fault configuration is taken whole, or refused with every mistake named."""

from dataclasses import replace

import pytest

from fpga_export.core.fault_config import BadFaultConfig, faults_in, read_config
from fpga_export.core.faults import Fault
from fpga_export.tests.small_networks import classifier


def layer(**changes: object) -> dict[str, object]:
    entry = {"fault_type": "bit_flip", "fault_rate": 0.01} | changes
    return {"enabled": True, "layers": {"conv2d": entry}}


def mistakes(data: object) -> list[tuple[str, str]]:
    with pytest.raises(BadFaultConfig) as refusal:
        read_config(data)
    return [(one.path, one.code) for one in refusal.value.mistakes]


def test_the_contracts_configuration_hits_weights() -> None:
    config = read_config(layer())
    expected = Fault("bit_flip", "weights", "conv", rate=0.01)
    assert faults_in(config, classifier()) == [expected]


def test_a_configuration_comes_back_with_its_defaults() -> None:
    assert read_config({}).as_json() == {"enabled": False, "seed": 0, "layers": {}}
    data = {
        "enabled": True,
        "seed": 9,
        "layers": {
            "conv2d": {"fault_type": "stuck_at_0", "positions": [1, 2], "bits": [5]},
            "relu": {"fault_type": "random_noise", "target": "activations", "hits": 3},
        },
    }
    config = read_config(data)
    written = config.as_json()
    assert written["layers"]["conv2d"]["target"] == "weights"
    assert written["layers"]["relu"]["strength"] == 0.1
    assert read_config(written) == config
    assert faults_in(config, classifier()) == [
        Fault("stuck_at_0", "weights", "conv", positions=(1, 2), bits=(5,)),
        Fault("random_noise", "activations", "conv", hits=3),
    ]


def test_what_is_not_enabled_hits_nothing() -> None:
    config = read_config(layer() | {"enabled": False})
    assert faults_in(config, classifier()) == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([], [("fault_config", "not_an_object")]),
        ({"enabled": "yes"}, [("enabled", "not_a_boolean")]),
        ({"layers": []}, [("layers", "not_an_object")]),
        ({"layers": {"a": 5}}, [("layers.a", "not_an_object")]),
        ({"seed": -1}, [("seed", "not_an_integer")]),
        ({"seed": True}, [("seed", "not_an_integer")]),
        ({"seed": 2**31}, [("seed", "not_an_integer")]),
        ({"faults": 1}, [("faults", "unknown_key")]),
        (layer(fault_type="gamma_ray"), [("layers.conv2d.fault_type", "unknown_kind")]),
        (layer(fault_type=None), [("layers.conv2d.fault_type", "missing")]),
        (layer(fault_type=["bit_flip"]), [("layers.conv2d.fault_type", "unknown_kind")]),
        (layer(fault_rate=1.01), [("layers.conv2d.fault_rate", "not_a_rate")]),
        (layer(fault_rate=-1), [("layers.conv2d.fault_rate", "not_a_rate")]),
        (layer(fault_rate=float("nan")), [("layers.conv2d.fault_rate", "not_a_rate")]),
        (layer(fault_rate="0.1"), [("layers.conv2d.fault_rate", "not_a_rate")]),
        (layer(fault_rate=True), [("layers.conv2d.fault_rate", "not_a_rate")]),
        (layer(fault_rate=None), [("layers.conv2d", "one_amount")]),
        (layer(hits=1), [("layers.conv2d", "one_amount")]),
        (layer(target="bias"), [("layers.conv2d.target", "unknown_target")]),
        (layer(bits=[]), [("layers.conv2d.bits", "not_integers")]),
        (layer(bits=[1.5]), [("layers.conv2d.bits", "not_integers")]),
        (layer(bits=list(range(17))), [("layers.conv2d.bits", "too_many")]),
        (
            layer(fault_rate=None, positions=[0] * 1001),
            [("layers.conv2d.positions", "too_many")],
        ),
        (
            layer(fault_type="random_noise", bits=[1]),
            [("layers.conv2d.bits", "no_bits_in_noise")],
        ),
        (layer(strength=2), [("layers.conv2d.strength", "not_a_rate")]),
        (layer(rate=0.1), [("layers.conv2d.rate", "unknown_key")]),
        ({"layers": {str(n): {} for n in range(201)}}, [("layers", "too_many")]),
    ],
)
def test_a_mistake_is_named_with_its_place(data: object, expected: list[tuple[str, str]]) -> None:
    assert mistakes(data) == expected


def test_all_mistakes_are_named_at_once() -> None:
    data = layer(fault_type="x", fault_rate=7) | {"enabled": 1}
    assert len(mistakes(data)) == 3
    with pytest.raises(BadFaultConfig, match=r"layers\.conv2d\.fault_rate must be a number"):
        read_config(data)


def test_layers_must_be_in_the_network_and_have_what_is_hit() -> None:
    config = read_config(
        {
            "enabled": True,
            "layers": {
                "nothing": {"fault_type": "bit_flip", "fault_rate": 0.1},
                "pool": {"fault_type": "bit_flip", "fault_rate": 0.1},
            },
        }
    )
    with pytest.raises(BadFaultConfig) as refusal:
        faults_in(config, classifier())
    found = [(one.path, one.code) for one in refusal.value.mistakes]
    assert found == [("layers.nothing", "unknown_layer"), ("layers.pool", "no_weights")]
    assert faults_in(replace(config, enabled=False), classifier()) == []
