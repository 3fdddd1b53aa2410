"""Every code that is written down as a reason has words for people, in both languages."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from trading.brokers import base
from trading.brokers.base import BrokerError, OrderRejected
from trading.reasons import REASONS, reason
from trading.refusals import InvalidCredentials, TwoFactorRequired
from visionai.lib.errors import DomainError

HERE = Path(__file__).resolve().parents[1]
WRITTEN = re.compile(
    r"(?:\breason ?= ?|\bmark_\w+\([^)]*reason=|\.fail\(session, |Conflict\(reason=|blocked=)"
    r"\"([a-z_]+)\""
)


def codes() -> set[str]:
    files = [one for one in HERE.rglob("*.py") if not {"tests", "emulator"} & set(one.parts)]
    found = {code for one in files for code in WRITTEN.findall(one.read_text("utf-8"))}
    kinds = [one for one in vars(base).values() if isinstance(one, type)]
    faults = {one.code for one in kinds if issubclass(one, BrokerError)}
    # What a broker's refusal of an order says is a reason of its own.
    return found | (faults - {BrokerError.code, OrderRejected.code, "conflict", "order_unknown"})


def test_there_are_codes_to_look_at() -> None:
    assert {"no_answer", "account_in_use", "not_found", "halted_by_staff"} <= codes()


@pytest.mark.parametrize("code", sorted(codes()))
def test_a_reason_has_words(code: str) -> None:
    assert code in REASONS
    with translation.override("en"):
        english = reason(code)
    with translation.override("es"):
        assert reason(code) not in {english, code}


@pytest.mark.parametrize(
    "refusal",
    [InvalidCredentials(why="wrong_code"), TwoFactorRequired(why="no_sms")],
)
def test_a_refusal_with_more_to_say_says_it_in_both_languages(refusal: DomainError) -> None:
    said = set()
    for language in ("en", "es"):
        with translation.override(language):
            said |= {refusal.sentence(), type(refusal)().sentence()}
    assert len(said) == 4
