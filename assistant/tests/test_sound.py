"""Recordings are told by their bytes, read whatever their samples are, and brought to one rate."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from assistant.core.sound import (
    BadSound,
    Wave,
    as_heard,
    as_pcm,
    as_wav,
    for_speech,
    kind_of,
    read_wav,
    resampled,
)


def a_tone(hertz: float, rate: int, seconds: float = 0.5) -> Wave:
    at = np.arange(round(rate * seconds)) / rate
    return Wave((0.5 * np.sin(2 * np.pi * hertz * at)).astype(np.float32), rate)


def a_file(
    body: bytes, *, tag: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, **more: int
) -> bytes:
    align = more.get("align", channels * bits // 8)
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits)
    if tag == 0xFFFE:
        form += struct.pack("<HHIH14s", 22, bits, 0, more["inner"], bytes(14))
    length = more.get("length", len(body))
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"  # an odd chunk is padded
    fmt = b"fmt " + struct.pack("<I", len(form)) + form
    return b"RIFF\0\0\0\0WAVE" + odd + fmt + b"data" + struct.pack("<I", length) + body


def three(values: list[int]) -> bytes:
    return b"".join(value.to_bytes(3, "little", signed=True) for value in values)


HALVES = [0.0, 0.5, -0.5, -1.0]


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (bytes([128, 192, 64, 0]), {"bits": 8}),
        (struct.pack("<4h", 0, 2**14, -(2**14), -(2**15)), {"bits": 16}),
        (three([0, 2**22, -(2**22), -(2**23)]), {"bits": 24}),
        (struct.pack("<4i", 0, 2**30, -(2**30), -(2**31)), {"bits": 32}),
        (struct.pack("<4f", *HALVES), {"tag": 3, "bits": 32}),
        (struct.pack("<4d", *HALVES), {"tag": 3, "bits": 64}),
        (struct.pack("<4h", 0, 2**14, -(2**14), -(2**15)), {"tag": 0xFFFE, "inner": 1}),
        (struct.pack("<4h", 0, 2**14, -(2**14), -(2**15)), {"length": 0xFFFFFFFF}),
        (struct.pack("<4hB", 0, 2**14, -(2**14), -(2**15), 7), {}),  # half a sample is left out
    ],
)
def test_samples_of_every_kind_are_read(body: bytes, how: dict[str, int]) -> None:
    wave = read_wav(a_file(body, **how), most_seconds=1)
    assert wave.samples.tolist() == HALVES
    assert (wave.rate, wave.seconds) == (8000, 4 / 8000)


def test_channels_are_mixed() -> None:
    body = struct.pack("<4h", 2**14, -(2**14), 2**14, 2**14)
    assert read_wav(a_file(body, channels=2), most_seconds=1).samples.tolist() == [0.0, 0.5]


def test_samples_that_are_no_numbers_are_silence_or_the_loudest() -> None:
    body = struct.pack("<3f", float("nan"), float("inf"), 9.0)
    assert read_wav(a_file(body, tag=3, bits=32), most_seconds=1).samples.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (a_file(b""), "empty_sound"),
        (a_file(bytes(16002)), "too_long"),
        (a_file(bytes(8), channels=0, align=2), "broken_sound"),
        (a_file(bytes(8), rate=0), "broken_sound"),
        (a_file(bytes(8), align=0), "broken_sound"),
        (a_file(bytes(8), tag=17, bits=4, align=1), "broken_sound"),
        (b"RIFF\0\0\0\0WAVE", "broken_sound"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "broken_sound"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(BadSound) as refusal:
        read_wav(data, most_seconds=1)
    assert refusal.value.code == code


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120), st.integers(0, 60))
def test_no_damage_gives_anything_but_a_refusal_or_a_sound(noise: bytes, at: int) -> None:
    whole = a_file(bytes(range(64)), bits=16)
    damaged = whole[:at] + noise + whole[at + len(noise) :]
    try:
        wave = read_wav(damaged, most_seconds=1)
    except BadSound:
        return
    assert np.abs(wave.samples).max() <= 1


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000])
def test_a_tone_stays_the_same_at_another_rate(rate: int) -> None:
    made, wanted = resampled(a_tone(440, rate), 16_000), a_tone(440, 16_000)
    assert len(made.samples) == pytest.approx(len(wanted.samples), abs=1)
    inside = slice(400, 7000)  # the ends have no neighbours
    assert np.abs(made.samples[inside] - wanted.samples[inside]).max() < 2e-3


def test_what_the_new_rate_cannot_hold_is_gone() -> None:
    assert power(resampled(a_tone(12_000, 48_000), 16_000).samples[400:-400]) < 1e-7


def power(samples: NDArray[np.float32]) -> float:
    return float(np.mean(samples.astype(np.float64) ** 2))


def test_a_rate_that_shares_nothing_is_brought_over_too() -> None:
    assert len(resampled(a_tone(440, 44_101, 0.1), 16_000).samples) == 1600  # of 1599.96


def test_what_was_written_is_read_again() -> None:
    tone = a_tone(440, 16_000)
    again = read_wav(as_wav(as_pcm(tone), 16_000), most_seconds=1)
    assert np.abs(again.samples - tone.samples).max() < 1e-4
    assert for_speech(again)[:4] == b"RIFF"


def test_a_quiet_recording_is_heard_as_loud_as_another() -> None:
    quiet = Wave(a_tone(440, 16_000).samples / np.float32(10), 16_000)
    heard = np.frombuffer(as_heard(quiet), "<i2") / 32767
    assert np.abs(heard).max() == pytest.approx(0.8, abs=0.02)
    silence = heard[:4000]
    assert 0.001 < silence.std() < 0.003


def test_silence_stays_silence() -> None:
    heard = np.frombuffer(as_heard(Wave(np.zeros(16_000, np.float32), 16_000)), "<i2") / 32767
    assert np.abs(heard).max() < 0.02


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "wav"),
        (b"\x1aE\xdf\xa3\x01", "webm"),
        (b"OggS\0", "ogg"),
        (b"fLaC\0", "flac"),
        (b"\0\0\0\x20ftypM4A ", "mp4"),
        (b"ID3\x04", "mp3"),
        (b"\xff\xfb\x90", "mp3"),
        (b"RIFF\0\0\0\0AVI ", None),
        (b"\xff\xd8\xff\xe0", None),  # a JPEG
        (b"#EXTM3U\n", None),  # a list of other files
        (b"\xff", None),
        (b"", None),
    ],
)
def test_a_recording_is_told_by_its_first_bytes(start: bytes, kind: str | None) -> None:
    assert kind_of(start) == kind
