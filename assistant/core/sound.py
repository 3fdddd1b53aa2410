"""Recordings: what they are, their samples, and the one form that recognisers take."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from math import gcd
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SPEECH_RATE: Final = 16_000  # samples a second that recognisers take
ZEROS: Final = 16  # zero crossings of the filter on either side
BLOCK: Final = 1 << 16  # output samples of one product, so that memory stays small
RATES: Final = range(4_000, 192_001)
MOST_CHANNELS: Final = 8
LOUDEST: Final = 0.8
MOST_GAIN: Final = 20.0
HISS: Final = 2e-3
SILENCE_S: Final = 0.3
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
UNTOLD = (0, 0xFFFFFFFF)  # lengths that a program writes when it does not know yet


class BadSound(Exception):
    """A recording that cannot be used: `code` is broken_sound, empty_sound or too_long."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Wave:
    """One channel, -1 to 1."""

    samples: NDArray[np.float32]
    rate: int  # samples a second

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


def kind_of(data: bytes) -> str | None:
    """wav, webm, mp3, ogg, flac or mp4 by its first bytes, whatever its name says."""
    if data[:4] in {b"RIFF", b"RF64"} and data[8:12] == b"WAVE":
        return "wav"
    for start, name in ((b"\x1aE\xdf\xa3", "webm"), (b"OggS", "ogg"), (b"fLaC", "flac")):
        if data.startswith(start):
            return name
    if data[4:8] == b"ftyp":
        return "mp4"
    is_frame = len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2  # of layer 3
    return "mp3" if is_frame or data.startswith(b"ID3") else None


def read_wav(data: bytes, *, most_seconds: float) -> Wave:
    """A WAV file of whole or floating-point samples, its channels mixed. Raises `BadSound`."""
    form, body = _chunks(data)
    tag, channels, rate, _bytes, align, bits = struct.unpack_from("<HHIIHH", form)
    if tag == EXTENSIBLE and len(form) >= 26:
        (tag,) = struct.unpack_from("<H", form, 24)
    width = bits // 8
    sound = 1 <= channels <= MOST_CHANNELS and rate in RATES and align == channels * width
    if not sound or (tag, bits) not in _READERS:
        raise BadSound("broken_sound")
    frames = len(body) // align
    if frames > most_seconds * rate:
        raise BadSound("too_long")
    if frames == 0:
        raise BadSound("empty_sound")
    samples = _READERS[tag, bits](body[: frames * align]).reshape(frames, channels)
    mixed = samples.mean(axis=1, dtype=np.float32)
    return Wave(np.clip(np.nan_to_num(mixed, posinf=1, neginf=-1), -1, 1), rate)


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """The format and the samples. Raises `BadSound`."""
    at, form = 12, b""
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        at += 8
        if name == b"data":
            if len(form) < 16:
                break
            return form, data[at:] if length in UNTOLD else data[at : at + length]
        if name == b"fmt ":
            form = data[at : at + length]
        at += length + length % 2
    raise BadSound("broken_sound")


def _three_bytes(body: bytes) -> NDArray[np.float32]:
    raw = np.frombuffer(body, np.uint8).reshape(-1, 3)
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 1:] = raw  # the sign stays in the highest byte
    return _to_one(wide.view("<i4").ravel(), 31)


def _to_one(whole: NDArray[Any], bits: int) -> NDArray[np.float32]:
    return np.asarray(whole / 2**bits, np.float32)


_READERS: Final[dict[tuple[int, int], Callable[[bytes], NDArray[np.float32]]]] = {
    (PCM, 8): lambda body: _to_one(np.frombuffer(body, np.uint8).astype(np.float32) - 128, 7),
    (PCM, 16): lambda body: _to_one(np.frombuffer(body, "<i2"), 15),
    (PCM, 24): _three_bytes,
    (PCM, 32): lambda body: _to_one(np.frombuffer(body, "<i4"), 31),
    (FLOAT, 32): lambda body: np.frombuffer(body, "<f4").astype(np.float32),
    (FLOAT, 64): lambda body: np.frombuffer(body, "<f8").astype(np.float32),
}


def resampled(wave: Wave, rate: int) -> Wave:
    """The same sound at another rate, without what that rate cannot hold.

    A windowed sinc (Kaiser, beta 9) in its polyphase form: J. O. Smith, Digital Audio Resampling.
    """
    if wave.rate == rate:
        return wave
    shared = gcd(wave.rate, rate)
    up, down = rate // shared, wave.rate // shared
    cut = min(1.0, rate / wave.rate) * 0.95  # of the source's own half rate
    half = int(np.ceil(ZEROS / cut))
    padded = np.pad(wave.samples, (half, half + 1))
    views = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 2)
    number = -(-len(wave.samples) * up // down)
    out = np.zeros(number, np.float32)
    for phase in range(min(up, number)):
        start, rest = divmod(phase * down, up)
        distance = np.arange(-half, half + 2, dtype=np.float64) - rest / up
        taps = _taps(distance, cut, half)
        count = len(out[phase::up])
        for first in range(0, count, BLOCK):
            last = min(first + BLOCK, count)
            picked = views[start + first * down : start + (last - 1) * down + 1 : down]
            out[phase + first * up : phase + (last - 1) * up + 1 : up] = picked @ taps
    return Wave(out, rate)


def _taps(distance: NDArray[np.float64], cut: float, half: int) -> NDArray[np.float32]:
    inside = np.sqrt(np.maximum(0, 1 - (distance / (half + 1)) ** 2))
    taps = cut * np.sinc(cut * distance) * np.i0(9 * inside) / np.i0(9)
    return np.asarray(taps / taps.sum(), np.float32)


def as_pcm(wave: Wave) -> bytes:
    """Signed 16 bit, little end first."""
    return bytes(np.rint(np.clip(wave.samples, -1, 1) * 32767).astype("<i2").tobytes())


def as_wav(pcm: bytes, rate: int) -> bytes:
    """A WAV file of one channel of 16-bit samples."""
    form = struct.pack("<HHIIHH", PCM, 1, rate, rate * 2, 2, 16)
    head = struct.pack("<4sI4s4sI", b"RIFF", 36 + len(pcm), b"WAVE", b"fmt ", 16)
    return head + form + struct.pack("<4sI", b"data", len(pcm)) + pcm


def as_heard(wave: Wave) -> bytes:
    """The samples for pocketsphinx: loud, between silences, over the hiss of a usual microphone.

    Its model never met digital silence: of 50 words of espeak-ng in American English it has 7 wrong
    with all this and 42 without.
    """
    sound = resampled(wave, SPEECH_RATE)
    loudest = float(np.abs(sound.samples).max(initial=0))
    gain = min(LOUDEST / loudest, MOST_GAIN) if loudest else 1.0
    heard = np.pad(sound.samples * np.float32(gain), round(SPEECH_RATE * SILENCE_S))
    hiss = np.random.default_rng(1).standard_normal(len(heard), np.float32) * np.float32(HISS)
    return as_pcm(Wave(heard + hiss, SPEECH_RATE))


def for_speech(wave: Wave) -> bytes:
    """The WAV that every recogniser takes: one channel, 16 bit, 16 kHz."""
    return as_wav(as_pcm(resampled(wave, SPEECH_RATE)), SPEECH_RATE)
