"""Bits for each layer, chosen by calibration."""

import numpy as np
import pytest
from rest_framework.test import APIClient

from accounts.models import User
from fpga_export import store
from fpga_export.core.loader import read_model
from fpga_export.core.passes import lower
from fpga_export.core.precision import chosen_bits, worst_db
from fpga_export.core.quantise import quantise
from fpga_export.core.step_values import float_values
from fpga_export.models import ExportSession
from fpga_export.tests.drawn_hands import drawn_hand
from fpga_export.tests.test_services import AtOnce, finished, start

HANDS = [drawn_hand(seed).astype(np.float32) for seed in range(4)]
SMALL = "letters-small-v1.keras"


@pytest.mark.parametrize("wished", [20.0, 35.0, 50.0])
def test_each_layer_of_the_small_network_reaches_what_is_wished(wished: float) -> None:
    graph = read_model(store.shipped()[SMALL], filename=SMALL)
    hands = HANDS
    bits = chosen_bits(graph, hands, wished_db=wished)
    network = quantise(graph, hands, per_layer=bits)
    seen = float_values(graph, lower(graph), hands)
    assert worst_db(graph, network, seen, hands) >= wished
    fewer = {name: (max(w - 3, 2), max(a - 3, 4)) for name, (w, a) in bits.items()}
    poorer = quantise(graph, hands, per_layer=fewer)
    assert worst_db(graph, poorer, seen, hands) < wished


def test_a_finer_wish_takes_more_bits() -> None:
    graph = read_model(store.shipped()[SMALL], filename=SMALL)
    coarse, fine = (chosen_bits(graph, HANDS[:2], wished_db=wished) for wished in (15.0, 55.0))
    assert coarse.keys() == fine.keys()
    assert sum(w + a for w, a in coarse.values()) < sum(w + a for w, a in fine.values())


def test_what_no_bits_reach_gets_the_most_there_are() -> None:
    graph = read_model(store.shipped()[SMALL], filename=SMALL)
    bits = chosen_bits(graph, HANDS[:1], wished_db=300.0)
    assert bits.pop("gray") == (4, 8)  # a picture's bytes lose nothing
    assert {a for _, a in bits.values()} == {16}


def test_a_core_with_bits_of_each_layer_s_own_is_verified(ada: User, at_once: AtOnce) -> None:
    asked = {"preset": "compact", "lanes": 8, "bits": "auto"}
    export = finished(at_once(lambda: start(ada, ExportSession.Kind.DESIGN, **asked)))
    assert (export.result["label"], export.result["bits"]) == ("verified", "auto")
    assert export.result["report"]["network"]["worst_sqnr_db"] >= 33  # one of the run's pictures


def test_bits_are_a_number_or_auto(ada: User) -> None:
    client = APIClient()
    client.force_authenticate(ada)
    body = {"kind": "design", "network": SMALL, "input_data": [[0] * 32] * 32}
    for bits in ("many", 1, 17, None, [8]):
        answer = client.post("/api/v1/hardware/exports", body | {"bits": bits})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_input")
    assert client.post("/api/v1/hardware/exports", body | {"bits": "auto"}).status_code == 202
