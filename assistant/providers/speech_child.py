"""The engines of speech, each call in a process of its own, so that none can harm the server.

Run by path, without the product's modules: `speech_child.py speak|hear|decode …`, what is said or
heard on the standard input, the result on the standard output. An exit status above 0 is a failure.
"""

import ctypes
import io
import itertools
import json
import os
import resource
import sys
from typing import Any, BinaryIO

MOST_MEMORY = 2 * 2**30  # bytes of addresses; the recogniser's model is mapped
UTF8, NO_EXIT = 0x01, 0x8000
SYNCHRONOUS = 2
RATE, CHUNK_MS = 1, 200
TOO_LONG = 3  # exit status


class TooLong(Exception):
    """More sound than was allowed."""


def speak(library: str, folder: str, words: BinaryIO, out: BinaryIO) -> None:
    """Whole JSON `{text, voice, words_a_minute, most_seconds}` to `<rate>\\n` and 16-bit samples.

    The text is only text: neither SSML nor phonemes are switched on. Raises `TooLong`.
    """
    asked = json.load(words)
    espeak = ctypes.CDLL(library)
    rate = espeak.espeak_Initialize(SYNCHRONOUS, CHUNK_MS, os.fsencode(folder), NO_EXIT)
    if rate <= 0:
        raise OSError("espeak-ng cannot start")
    most = int(asked["most_seconds"] * rate) * 2
    samples = bytearray()

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)  # type: ignore[untyped-decorator]
    def keep(wave: int | None, number: int, _events: int | None) -> int:
        if wave and number > 0:
            samples.extend(ctypes.string_at(wave, number * 2))
        return int(len(samples) > most)  # 1 ends it

    espeak.espeak_SetSynthCallback(keep)
    if espeak.espeak_SetVoiceByName(asked["voice"].encode()):
        raise OSError(f"espeak-ng has no voice {asked['voice']}")
    espeak.espeak_SetParameter(RATE, int(asked["words_a_minute"]), 0)
    text = asked["text"].encode("utf-8", "replace") + b"\0"
    espeak.espeak_Synth(
        text, ctypes.c_size_t(len(text)), ctypes.c_uint(0), 1, ctypes.c_uint(0), UTF8, None, None
    )
    espeak.espeak_Synchronize()
    if len(samples) > most:
        raise TooLong
    out.write(b"%d\n" % rate + samples)


def hear(sound: BinaryIO, out: BinaryIO) -> None:
    """16-bit samples, 16,000 a second, to JSON `{text}`."""
    from pocketsphinx import Decoder

    decoder: Any = Decoder(samprate=16_000, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(sound.read(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    out.write(json.dumps({"text": found.hypstr if found else ""}).encode())


def decode(form: str, most_seconds: float, sound: BinaryIO, out: BinaryIO) -> None:
    """A recording of that form to 16-bit samples, one channel, 16,000 a second.

    Raises `TooLong`, and PyAV's own errors for what is none.
    """
    import av

    source: Any = io.BytesIO(sound.read())

    most = int(most_seconds * 16_000)
    number = 0
    to_speech = av.AudioResampler(format="s16", layout="mono", rate=16_000)
    with av.open(source, "r", format=form, metadata_errors="ignore") as recording:
        for frame in itertools.chain(recording.decode(recording.streams.audio[0]), [None]):
            for part in to_speech.resample(frame):
                number += part.samples
                if number > most:
                    raise TooLong
                out.write(bytes(part.planes[0])[: part.samples * 2])


def main(arguments: list[str]) -> int:
    what, *rest = arguments
    seconds = int(rest.pop(0))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)
    inward, outward = sys.stdin.buffer, sys.stdout.buffer
    try:
        if what == "speak":
            speak(rest[0], rest[1], inward, outward)
        elif what == "hear":
            sys.path.append(rest[0])
            hear(inward, outward)
        else:
            sys.path.append(rest[0])
            decode(rest[1], float(rest[2]), inward, outward)
    except TooLong:
        return TOO_LONG
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
