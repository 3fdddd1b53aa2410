import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pytest_django import Settings

from accounts import sealing
from accounts.sealing import HEAD, SealBroken, open_sealed, rewrapped, seal

OLD, NEW = "11" * 32, "22" * 32
HERE = {"owner": "7", "row": "a-session", "field": "password"}
CANARY = "canary-of-the-broker-91c2"
words = st.text(max_size=40)


@pytest.fixture(autouse=True)
def old_key(settings: Settings) -> None:
    settings.SECRETS_KEYS = [OLD]


@given(text=st.text(max_size=300), owner=words, row=words, field=words)
def test_what_is_sealed_opens_in_its_place_and_shows_nothing(
    text: str, owner: str, row: str, field: str
) -> None:
    blob = seal(text, owner=owner, row=row, field=field)
    assert open_sealed(blob, owner=owner, row=row, field=field) == text
    assert len(blob) == 97 + len(text.encode())  # 1 + 8 + 12 + 48 + 12 + 16
    assert len(text) < 4 or text.encode() not in blob


@given(here=st.tuples(words, words, words), there=st.tuples(words, words, words))
def test_a_seal_opens_in_no_other_place(
    here: tuple[str, str, str], there: tuple[str, str, str]
) -> None:
    blob = seal("x", owner=here[0], row=here[1], field=here[2])
    if here == there:
        assert open_sealed(blob, owner=there[0], row=there[1], field=there[2]) == "x"
        return
    with pytest.raises(SealBroken):
        open_sealed(blob, owner=there[0], row=there[1], field=there[2])


def test_a_place_whose_parts_run_together_is_another_place() -> None:
    blob = seal("x", owner="1", row="23", field="f")
    with pytest.raises(SealBroken):
        open_sealed(blob, owner="12", row="3", field="f")


@effort(max_examples=200)
@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_changed_bit_opens(at: int, bit: int) -> None:
    blob = bytearray(seal(CANARY, **HERE))
    blob[at % len(blob)] ^= 1 << bit
    with pytest.raises(SealBroken):
        open_sealed(bytes(blob), **HERE)


@given(cut=st.integers(0, 97 + len(CANARY) - 1))
def test_no_shortened_seal_opens(cut: int) -> None:
    with pytest.raises(SealBroken):
        open_sealed(seal(CANARY, **HERE)[:cut], **HERE)


def test_data_keys_cannot_be_swapped_between_two_seals() -> None:
    one, other = seal("one", **HERE), seal("two", **HERE)
    with pytest.raises(SealBroken):
        open_sealed(one[: sealing.WRAPPED] + other[sealing.WRAPPED :], **HERE)


def test_the_same_text_never_looks_the_same() -> None:
    assert seal(CANARY, **HERE)[HEAD:] != seal(CANARY, **HERE)[HEAD:]


def test_a_key_that_is_not_here_opens_nothing_and_no_log_says_the_text(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    blob = seal(CANARY, **HERE)
    settings.SECRETS_KEYS = [NEW]
    with caplog.at_level(logging.DEBUG), pytest.raises(SealBroken) as refusal:
        open_sealed(blob, **HERE)
    assert caplog.messages == [f"a seal under a key that is not here: {blob[1:HEAD].hex()}"]
    said = caplog.text + repr(refusal.value) + refusal.value.sentence() + repr(sealing.known_keys())
    assert CANARY not in said
    assert not any(key in said for key in (OLD, NEW, repr(bytes.fromhex(NEW))))


def test_the_first_key_seals_and_all_open(settings: Settings) -> None:
    before = seal(CANARY, **HERE)
    settings.SECRETS_KEYS = [NEW, OLD]
    after = seal(CANARY, **HERE)
    assert open_sealed(before, **HERE) == open_sealed(after, **HERE) == CANARY
    settings.SECRETS_KEYS = [NEW]
    assert open_sealed(after, **HERE) == CANARY
    with pytest.raises(SealBroken):
        open_sealed(before, **HERE)


def test_a_re_wrapped_seal_has_the_same_text_under_the_new_key(settings: Settings) -> None:
    blob = seal(CANARY, **HERE)
    assert rewrapped(blob) is None
    settings.SECRETS_KEYS = [NEW, OLD]
    moved = rewrapped(blob)
    assert moved is not None
    assert moved[sealing.WRAPPED :] == blob[sealing.WRAPPED :]
    settings.SECRETS_KEYS = [NEW]
    assert open_sealed(moved, **HERE) == CANARY


@pytest.mark.django_db
def test_without_a_setting_a_file_of_its_own_is_made_once(
    settings: Settings, tmp_path: Path
) -> None:
    settings.SECRETS_KEYS, settings.DATA_DIR = [], tmp_path
    blob = seal(CANARY, **HERE)
    path = tmp_path / "sealing_keys"
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_sealed(blob, **HERE) == CANARY
    assert CANARY.encode() not in path.read_bytes()
