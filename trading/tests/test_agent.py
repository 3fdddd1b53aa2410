"""An agent's network in NumPy, and its file, which may come from anywhere."""

import io
import json
import zipfile
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from trading.core.agent import SIZES, BadAgent, TrainedAgent, forward, read_agent, write_agent
from trading.core.features import WINDOW, features
from trading.core.market import Direction
from trading.core.options import Terms
from trading.core.strategies import first, strategy
from trading.core.synthetic import persistent

CANDLES = persistent(200, seed=1)


def an_agent(margin: float | None = 0.0, seed: int = 0) -> TrainedAgent:
    rng = np.random.default_rng(seed)
    layers = tuple(
        (
            rng.normal(0, 0.3, (one, two)).astype(np.float32),
            rng.normal(0, 0.1, two).astype(np.float32),
        )
        for one, two in pairwise(SIZES)
    )
    return TrainedAgent(layers, Terms(), "EURUSD-OTC", 60, margin)


def constant(hold: float, call: float, put: float, margin: float | None = 0.0) -> TrainedAgent:
    """Says the same whatever it sees."""
    layers = tuple((np.zeros_like(w), np.zeros_like(b)) for w, b in an_agent().layers)
    worths = np.array([hold, call, put], np.float32)
    return TrainedAgent((*layers[:-1], (layers[-1][0], worths)), Terms(), "X", 60, margin)


def test_a_layer_is_rectified_and_the_last_one_is_not() -> None:
    one = (np.array([[1.0, -1.0]], np.float32), np.array([0.0, 1.0], np.float32))
    two = (np.array([[-2.0], [3.0]], np.float32), np.array([0.5], np.float32))
    found = forward((one, two), np.array([[2.0], [-1.0]], np.float32))
    # 2 -> (2, 0) -> -3.5; -1 -> (0, 2) -> 6.5
    assert found.tolist() == [[-3.5], [6.5]]


@pytest.mark.parametrize(
    ("worths", "margin", "direction"),
    [
        ((0.0, 0.2, 0.1), 0.0, Direction.CALL),
        ((0.0, 0.1, 0.2), 0.1, Direction.PUT),
        ((0.0, 0.1, 0.2), 0.3, None),
        ((0.5, 0.1, 0.2), 0.0, None),
        ((0.0, 9.0, 0.0), None, None),
    ],
)
def test_a_trade_must_be_worth_more_than_to_hold(
    worths: tuple[float, float, float], margin: float | None, direction: Direction | None
) -> None:
    assert constant(*worths, margin=margin).decide(CANDLES).direction is direction


def test_confidence_is_the_chance_that_the_worth_stands_for() -> None:
    # At 60 % a call is worth 0.6 * 0.87 - 0.4 = 0.122 more than to hold.
    assert constant(0.3, 0.422, 0.0).decide(CANDLES).confidence == pytest.approx(0.6, abs=1e-6)


def test_it_holds_where_candles_are_missing_or_too_few() -> None:
    agent = constant(0.0, 1.0, 0.0)
    late = replace(CANDLES, start=CANDLES.start + 60 * (np.arange(200) >= 190))
    assert agent.decide(CANDLES).direction is Direction.CALL
    assert agent.decide(late).direction is None
    assert agent.decide(first(CANDLES, WINDOW - 1)).direction is None
    rule = strategy("agent", {"agent": "mine"}, policies=lambda name: agent)
    assert (rule.name, rule.needs) == ("agent", WINDOW)
    assert rule.decide(CANDLES).direction is Direction.CALL


def test_one_candle_at_a_time_it_decides_as_over_all() -> None:
    agent = an_agent()
    together = agent.actions(features(CANDLES)[WINDOW - 1 :])
    alone = [agent.decide(first(CANDLES, size)).direction for size in range(WINDOW, 201)]
    assert [(None, Direction.CALL, Direction.PUT)[one] for one in together] == alone
    assert len(set(alone)) > 1


@pytest.mark.parametrize("margin", [0.0, 0.15, None])
def test_a_file_brings_the_same_agent_back(margin: float | None) -> None:
    agent = an_agent(margin)
    data = write_agent(agent)
    assert data == write_agent(agent)
    found = read_agent(data)
    assert (found.terms, found.asset, found.seconds, found.margin) == (
        agent.terms,
        "EURUSD-OTC",
        60,
        margin,
    )
    seen = features(CANDLES)[WINDOW:]
    assert np.array_equal(found.worths(seen), agent.worths(seen))


def changed(name: str, values: Any) -> bytes:
    """An agent's file with one array put in the place of another; None leaves it out."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(write_agent(an_agent()))) as old,
        zipfile.ZipFile(out, "w") as new,
    ):
        for one in old.namelist():
            if one != f"{name}.npy":
                new.writestr(one, old.read(one))
        if values is not None:
            body = io.BytesIO()
            np.save(body, values, allow_pickle=True)
            new.writestr(f"{name}.npy", body.getvalue())
    return out.getvalue()


def facts(**changes: Any) -> bytes:
    with zipfile.ZipFile(io.BytesIO(write_agent(an_agent()))) as archive:
        body = io.BytesIO(archive.read("facts.npy"))
    found = json.loads(np.load(body).tobytes()) | changes
    return changed("facts", np.frombuffer(json.dumps(found).encode(), np.uint8))


def huge() -> bytes:
    """A header that promises a terabyte."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(write_agent(an_agent()))) as old,
        zipfile.ZipFile(out, "w") as new,
    ):
        for one in old.namelist():
            body = old.read(one)
            if one == "weights0.npy":
                head = io.BytesIO()
                shape = {"descr": "<f4", "fortran_order": False, "shape": (2**38,)}
                np.lib.format.write_array_header_1_0(head, shape)
                body = head.getvalue()
            new.writestr(one, body)
    return out.getvalue()


def squeezed() -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(write_agent(an_agent()))) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for one in old.namelist():
            new.writestr(one, old.read(one))
    return out.getvalue()


WRONG = np.full(SIZES[1], np.nan, np.float32)
HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "not_an_agent"),
    "no archive": (b"PK\x03\x04" + b"\0" * 100, "not_an_agent"),
    "half of one": (write_agent(an_agent())[:3000], "not_an_agent"),
    "too long": (b"\0" * 300_000, "file_too_large"),
    "compressed": (squeezed(), "not_an_agent"),
    "an array missing": (changed("biases0", None), "not_an_agent"),
    "an array more": (changed("evil", np.zeros(1)), "not_an_agent"),
    "an object": (changed("biases0", np.array([{}], object)), "other_shape"),
    "doubles": (changed("biases0", np.zeros(SIZES[1])), "other_shape"),
    "another shape": (changed("weights1", np.zeros((2, 2), np.float32)), "other_shape"),
    "a terabyte": (huge(), "other_shape"),
    "no numbers": (changed("biases0", WRONG), "not_finite"),
    "facts that are none": (changed("facts", np.zeros(9, np.uint8)), "bad_facts"),
    "facts too long": (changed("facts", np.zeros(9999, np.uint8)), "other_shape"),
    "other features": (facts(features=99), "other_features"),
    "a margin that is text": (facts(margin="1"), "bad_facts"),
    "a negative margin": (facts(margin=-1), "bad_facts"),
    "no asset": (facts(asset=7), "bad_facts"),
    "half a second": (facts(seconds=0.5), "bad_facts"),
    "terms that lack": (facts(terms={"payout": 1}), "bad_facts"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_agent_is_refused(name: str) -> None:
    data, code = HOSTILE[name]
    with pytest.raises(BadAgent) as refused:
        read_agent(data)
    assert refused.value.code == code


def test_an_agent_cut_or_bent_anywhere_is_refused_or_an_agent() -> None:
    data, rng = write_agent(an_agent()), np.random.default_rng(0)
    for _ in range(300):
        bent = bytearray(data)
        bent[rng.integers(len(bent))] ^= 1 << int(rng.integers(8))
        try:
            found = read_agent(bytes(bent[: rng.integers(len(bent) // 2, len(bent) + 1)]))
        except BadAgent:
            continue
        assert np.isfinite(found.worths(features(CANDLES)[WINDOW:])).all()
