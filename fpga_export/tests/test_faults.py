"""Faults hit the bits that they name, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from fpga_export.core.faults import (
    BadFault,
    Fault,
    Kind,
    corrupted,
    faulted,
    faulty_run,
    run_with_faults,
)
from fpga_export.core.integer_run import run_integer
from fpga_export.core.ir import Conv, Format
from fpga_export.tests.random_networks import random_network, random_picture
from fpga_export.tests.small_networks import classifier, pictures

FOUR = Format(4, 0)
CODES = np.array([0, 5, -1, -8])  # 0000 0101 1111 1000


def hit(fault: Fault, codes: np.ndarray = CODES, form: Format = FOUR) -> list[int]:
    found: list[int] = corrupted(codes, form, fault, np.random.default_rng(1)).tolist()
    return found


def exact(kind: Kind, bit: int) -> Fault:
    return Fault(kind, "weights", "conv", positions=(0, 1, 2, 3), bits=(bit,))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (exact("bit_flip", 0), [1, 4, -2, -7]),
        (exact("bit_flip", 3), [-8, -3, 7, 0]),  # the sign
        (exact("stuck_at_0", 0), [0, 4, -2, -8]),
        (exact("stuck_at_0", 3), [0, 5, 7, 0]),
        (exact("stuck_at_1", 0), [1, 5, -1, -7]),
        (exact("stuck_at_1", 3), [-8, -3, -1, -8]),
    ],
)
def test_a_bit_is_flipped_or_stuck_in_twos_complement(fault: Fault, expected: list[int]) -> None:
    assert hit(fault) == expected


def test_a_rate_of_one_hits_every_bit_and_of_zero_none() -> None:
    assert hit(Fault("bit_flip", "weights", "n", rate=1.0)) == [-1, -6, 0, 7]
    assert hit(Fault("stuck_at_1", "weights", "n", rate=1.0)) == [-1] * 4
    assert hit(Fault("stuck_at_0", "weights", "n", rate=1.0)) == [0] * 4
    for kind in ("bit_flip", "stuck_at_0", "stuck_at_1", "random_noise"):
        assert hit(Fault(kind, "weights", "n", rate=0.0)) == CODES.tolist()


def test_a_rate_is_the_chance_of_each_bit() -> None:
    zeros = np.zeros(20_000, np.int64)
    form = Format(8, 0)
    codes = corrupted(
        zeros, form, Fault("bit_flip", "weights", "n", rate=0.05), np.random.default_rng(0)
    )
    ones = [int((codes >> bit & 1).sum()) for bit in range(8)]
    assert all(900 < count < 1100 for count in ones)  # 1000 each, 31 standard deviation


def test_a_number_of_hits_is_kept_exactly() -> None:
    zeros = np.zeros(100, np.int64)
    for hits in (0, 1, 7, 300):
        fault = Fault("bit_flip", "weights", "n", hits=hits, bits=(0, 1, 2))
        codes = corrupted(zeros, FOUR, fault, np.random.default_rng(hits))
        assert sum(int(code).bit_count() for code in codes) == hits
        assert codes.min() >= 0
        assert codes.max() <= 7


def test_noise_is_centred_as_strong_as_it_says_and_stays_in_the_format() -> None:
    form = Format(12, 0)
    zeros = np.zeros(20_000, np.int64)
    fault = Fault("random_noise", "weights", "n", rate=1.0, strength=0.1)
    codes = corrupted(zeros, form, fault, np.random.default_rng(0))
    assert abs(codes.mean()) < 5
    assert abs(codes.std() - 204.7) < 5
    ends = corrupted(zeros + form.high, form, fault, np.random.default_rng(0))
    assert ends.max() == form.high
    half = corrupted(zeros, form, replace(fault, rate=0.5), np.random.default_rng(0))
    assert 9_500 < (half == 0).sum() < 10_600


def test_weights_that_are_hit_change_what_follows_alone() -> None:
    network, codes = classifier(), pictures(5)
    healthy = run_integer(network, codes)
    fault = Fault("bit_flip", "weights", "dense", hits=20)
    found = run_with_faults(network, codes, [fault], 3)
    for name in ("picture", "conv", "pool"):
        np.testing.assert_array_equal(found[name], healthy[name])
    assert (found["dense"] != healthy["dense"]).any()


def test_an_activation_that_is_hit_is_seen_by_its_readers() -> None:
    network, codes = classifier(), pictures(1)
    healthy = run_integer(network, codes)
    fault = Fault("stuck_at_1", "activations", "conv", positions=(0,), bits=(6,))
    run = faulty_run(network, healthy, [fault], 0)
    np.testing.assert_array_equal(run.written["conv"], healthy["conv"])
    assert run.stored["conv"].ravel()[0] == healthy["conv"].ravel()[0] | 64
    assert run.stored["pool"].ravel()[0] >= 64
    assert (run.stored["conv"] != healthy["conv"]).sum() <= 1


def test_the_picture_itself_can_be_hit() -> None:
    fault = Fault("stuck_at_0", "activations", "picture", rate=1.0)
    network = classifier()
    found = run_with_faults(network, pictures(2), [fault], 0)
    nothing = run_integer(network, pictures(2) * 0)
    np.testing.assert_array_equal(found["dense"], nothing["dense"])


def test_stuck_bits_stay_and_flips_come_anew_with_each_picture() -> None:
    network = classifier()
    same = np.repeat(pictures(1), 4, axis=0)
    stuck = Fault("stuck_at_1", "activations", "conv", rate=0.05)
    found = run_with_faults(network, same, [stuck], 1)["conv"]
    assert all(np.array_equal(found[0], one) for one in found)
    flips = Fault("bit_flip", "activations", "conv", rate=0.05)
    found = run_with_faults(network, same, [flips], 1)["conv"]
    assert not any(np.array_equal(found[0], one) for one in found[1:])


def test_the_same_seed_hits_the_same_bits() -> None:
    network, codes = classifier(), pictures(3)
    faults = [
        Fault("bit_flip", "weights", "conv", rate=0.02),
        Fault("random_noise", "activations", "pool", rate=0.5),
    ]
    first, again = (run_with_faults(network, codes, faults, 5) for _ in range(2))
    other = run_with_faults(network, codes, faults, 6)
    np.testing.assert_array_equal(first["dense"], again["dense"])
    assert (first["dense"] != other["dense"]).any()


@pytest.mark.parametrize("seed", range(30))
def test_a_shortened_run_equals_a_whole_one_of_the_faulted_network(seed: int) -> None:
    network = random_network(seed)
    codes = np.stack([random_picture(network, n) for n in range(3)])
    weighted = [node.name for node in network.nodes if hasattr(node.operation, "weights")]
    faults = [Fault("bit_flip", "weights", name, rate=0.1) for name in weighted]
    found = run_with_faults(network, codes, faults, seed)
    whole = run_integer(faulted(network, faults, seed), codes)
    for name, expected in whole.items():
        np.testing.assert_array_equal(found[name], expected)


def test_the_sums_of_a_faulted_network_are_wide_enough() -> None:
    network = classifier()
    fault = Fault("stuck_at_1", "weights", "conv", rate=1.0, bits=(0, 1, 2, 3, 4))
    operation = faulted(network, [fault], 0).node("conv").operation
    assert isinstance(operation, Conv)
    most = np.abs(operation.weights).sum(axis=(0, 1, 2)) * 128 + np.abs(operation.bias)
    assert operation.sum_bits == max(
        int(most.max()).bit_length() + 1,
        network.node("conv").operation.sum_bits,  # type: ignore[union-attr]
    )


def test_one_picture_is_answered_as_one() -> None:
    fault = Fault("bit_flip", "weights", "conv", hits=1)
    assert run_with_faults(classifier(), pictures(1)[0], [fault], 0)["dense"].shape == (1, 1, 10)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("bit_flip", "weights", "nothing", rate=0.1), "unknown_node"),
        (Fault("bit_flip", "weights", "pool", rate=0.1), "no_weights"),
        (Fault("bit_flip", "weights", "conv", rate=0.1, bits=(6,)), "bit_outside"),
        (Fault("bit_flip", "activations", "conv", rate=0.1, bits=(8,)), "bit_outside"),
        (Fault("bit_flip", "weights", "conv", positions=(36,)), "position_outside"),
        (Fault("bit_flip", "activations", "conv", positions=(256,)), "position_outside"),
        (Fault("bit_flip", "weights", "conv", hits=36 * 6 + 1), "too_many_hits"),
    ],
)
def test_a_fault_that_finds_nothing_is_refused(fault: Fault, code: str) -> None:
    with pytest.raises(BadFault) as refusal:
        run_with_faults(classifier(), pictures(1), [fault], 0)
    assert refusal.value.code == code


def test_a_fault_says_how_often_in_one_way() -> None:
    for amounts in ({}, {"rate": 0.1, "hits": 1}, {"rate": 1.5}, {"rate": -0.1}, {"hits": -1}):
        with pytest.raises(ValueError, match=r"rate|hits"):
            Fault("bit_flip", "weights", "conv", **amounts)


def test_a_flip_of_the_highest_bit_of_a_code_without_sign_takes_128_away() -> None:
    plain = Format(8, 0, signed=False)
    fault = Fault("bit_flip", "activations", "n", positions=(0, 1), bits=(7,))
    codes = corrupted(np.array([255, 3]), plain, fault, np.random.default_rng(0))
    assert codes.tolist() == [127, 131]
