"""Real speech and real files of it."""

import io
from functools import lru_cache
from typing import Any

import av
import numpy as np
from asgiref.sync import async_to_sync

from assistant.core.sound import read_wav, resampled
from assistant.providers.embedded_speech import EmbeddedSpeaker

DIGITS = "one two three four five six seven eight nine ten"


@lru_cache
def spoken(text: str = DIGITS, *, language: str = "en", voice: str = "en-us") -> bytes:
    """WAV of the built-in voice, a little slow."""
    speak = async_to_sync(EmbeddedSpeaker().speak)
    return speak(text, language=language, voice=voice, speed=0.85).data  # type: ignore[arg-type]


def encoded(wav: bytes, form: str, codec: str) -> bytes:
    """The same sound as another program would send it."""
    wave = resampled(read_wav(wav, most_seconds=600), 48_000)
    out = io.BytesIO()
    with av.open(out, "w", format=form) as file:
        track: Any = file.add_stream(codec, rate=48_000, layout="mono")
        samples = np.rint(wave.samples * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 48_000
        for part in [frame, None]:
            for packet in track.encode(part):
                file.mux(packet)
    return out.getvalue()
