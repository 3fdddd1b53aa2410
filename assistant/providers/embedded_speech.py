"""Speech without any network: espeak-ng speaks Spanish and English, pocketsphinx hears English."""

import asyncio
import importlib.util
import json
import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import ClassVar, Final

from django.utils.translation import gettext_lazy as _

from assistant.core.sound import BadSound, as_heard, as_wav, read_wav
from assistant.core.voices import FASTEST, SLOWEST, WORDS_A_MINUTE, plain, voice_for
from assistant.providers.base import (
    Language,
    ProviderFault,
    ProviderRefused,
    ProviderTimeout,
    Sound,
    Transcript,
)
from assistant.providers.children import TOO_LONG, ChildFailed, ChildLate, run_child

log = logging.getLogger(__name__)

MOST_SPOKEN_S: Final = 600  # of sound from one text
MOST_HEARD_S: Final = 120  # of sound in one recording
SPEAKING_S: Final = 15.0  # that the engine may take; 10 minutes of speech take it 2
HEARING_S: Final = 90.0  # a recording takes it a quarter of its length on a usual machine


class OnlyEnglish(ProviderRefused):
    status, code, title = 422, "language_not_heard", _("This language is not understood here")
    detail = _(
        "The built-in recogniser understands English alone. Speak English, use the browser's own "
        "recogniser, or ask the operator to set up a provider of speech."
    )


class UnknownLanguage(ProviderRefused):
    status, code, title = 422, "language_not_spoken", _("This language is not spoken here")
    detail = _("The built-in voices speak Spanish and English. Choose one of them.")


class SpokenTooLong(ProviderRefused):
    status, code, title = 422, "too_long", _("The text is too long to be spoken")
    detail = _("Spoken, the text would take more than {limit} seconds. Send it in parts.")


class SoundRefused(ProviderRefused):
    """What a recording was refused for; the service that takes them has words for each reason."""

    status, code, title = 422, "broken_sound", _("The recording could not be read")
    detail = _("The recording is damaged or empty. Record it again.")


class NoEngine(ProviderFault):
    status, code, title = 503, "no_speech", _("There is no speech on this machine")
    detail = _("The built-in speech is not installed. Ask the operator to install it again.")


class EmbeddedTranscriber:
    """pocketsphinx with its American English model. Takes WAV alone."""

    name: ClassVar[str] = "embedded"

    def __init__(self) -> None:
        self.model = _engine("pocketsphinx")

    async def transcribe(self, sound: Sound, *, language: Language) -> Transcript:
        """Raises `OnlyEnglish`, `SoundRefused` and `ProviderFault`."""
        if language != "en":
            raise OnlyEnglish(language=language)
        try:
            wave = read_wav(sound.data, most_seconds=MOST_HEARD_S)
        except BadSound as refusal:
            raise SoundRefused from refusal
        pcm = await asyncio.to_thread(as_heard, wave)
        arguments = ["hear", str(_home("pocketsphinx").parent)]
        try:
            out = await run_child(arguments, pcm, seconds=HEARING_S)
        except ChildLate as late:
            raise ProviderTimeout from late
        except ChildFailed as failed:
            log.error("the recogniser failed: %s", failed)
            raise ProviderFault from failed
        return Transcript(json.loads(out)["text"], "en", round(wave.seconds, 2))


class EmbeddedSpeaker:
    """espeak-ng. A voice that is not its own, or of another language, is the language's first."""

    name: ClassVar[str] = "embedded"

    def __init__(self) -> None:
        self.model = _engine("espeakng-loader")

    async def speak(self, text: str, *, language: Language, voice: str, speed: float) -> Sound:
        """16-bit WAV. Raises `UnknownLanguage`, `SpokenTooLong` and `ProviderFault`."""
        try:
            chosen = voice_for(language, voice)
        except KeyError as unknown:
            raise UnknownLanguage(language=language) from unknown
        asked = {
            "text": plain(text),
            "voice": chosen.own,
            "words_a_minute": round(WORDS_A_MINUTE * min(FASTEST, max(SLOWEST, speed))),
            "most_seconds": MOST_SPOKEN_S,
        }
        home = _home("espeakng_loader")
        arguments = ["speak", str(home / _library(home)), str(home / "espeak-ng-data")]
        try:
            out = await run_child(arguments, json.dumps(asked).encode(), seconds=SPEAKING_S)
        except ChildLate as late:
            raise ProviderTimeout from late
        except ChildFailed as failed:
            if failed.status == TOO_LONG:
                raise SpokenTooLong(limit=MOST_SPOKEN_S) from failed
            log.error("the synthesiser failed: %s", failed)
            raise ProviderFault from failed
        rate, _line, pcm = out.partition(b"\n")
        return Sound("audio/wav", as_wav(pcm, int(rate)))


def _engine(package: str) -> str:
    """The engine with its version, as a reply shows it."""
    name = {"espeakng-loader": "espeak-ng"}.get(package, package)
    try:
        return f"{name} {version(package)}"
    except PackageNotFoundError:
        return name


def _home(package: str) -> Path:
    """The package's folder, found without importing it. Raises `NoEngine`."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise NoEngine
    return Path(found.origin).parent


def _library(home: Path) -> str:
    """The library's file. Raises `NoEngine`."""
    for ending in ("so", "dylib"):
        if (home / f"libespeak-ng.{ending}").exists():
            return f"libespeak-ng.{ending}"
    raise NoEngine
