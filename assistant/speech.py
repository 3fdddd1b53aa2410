"""Speech in and out: recordings made fit to be heard, texts spoken, each counted once."""

import importlib.util
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from asgiref.sync import async_to_sync
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from assistant.core.sound import SPEECH_RATE, BadSound, as_wav, for_speech, kind_of, read_wav
from assistant.metering import check_calls, claim_call, key_of
from assistant.providers import chain
from assistant.providers.base import Language, ProviderTimeout, Sound, Transcript
from assistant.providers.children import TOO_LONG, ChildFailed, ChildLate, run_child
from visionai.lib.errors import DomainError

log = logging.getLogger(__name__)

MOST_BYTES: Final = 24 * 2**20  # two minutes of WAV with two channels, 48 kHz
MOST_SECONDS: Final = 120
DECODING_S: Final = 20.0
# What PyAV calls each form; named, so that no form is read that opens other files.
FORMS: Final = {"webm": "matroska", "ogg": "ogg", "mp3": "mp3", "flac": "flac", "mp4": "mov"}


class NoSound(DomainError):
    status, code, title = 400, "no_file", _("There is no recording")
    detail = _("Send the recording as the multipart field “file”, or as the body itself.")


class SoundTooLarge(DomainError):
    status, code, title = 413, "too_large", _("The recording is too large")
    detail = _("A recording may have {limit} bytes. Send a shorter one.")


class UnsupportedSound(DomainError):
    status, code, title = 415, "unsupported_format", _("Not a format of sound that is read here")
    detail = _("Send one of these formats: {accepted}.")


class SoundTooLong(DomainError):
    status, code, title = 422, "too_long", _("The recording is too long")
    detail = _("A recording may last {limit} seconds. Send a shorter one.")


class BrokenSound(DomainError):
    status, code, title = 422, "broken", _("The recording could not be read")
    detail = _("The file is damaged, empty or has no sound in it. Record it again.")


@dataclass(frozen=True, slots=True)
class Heard:
    transcript: Transcript
    engine: str
    model: str
    degraded: bool


@dataclass(frozen=True, slots=True)
class Said:
    sound: Sound
    engine: str
    model: str
    degraded: bool


def accepted() -> list[str]:
    """The formats that are read on this machine; WAV is always one of them."""
    return ["wav", *(FORMS if _decoder() else ())]


def hear(
    user: User,
    data: bytes,
    *,
    language: Language,
    engine: str = "",
    repeat: str,
    at: datetime,
    session_id: int | None,
) -> Heard:
    """What is said in a recording; `repeat` names a call that its client may send again.

    Raises `DailyLimitReached`, the refusals above and those of the providers.
    """
    key = key_of("hear", user, repeat, data, language.encode())
    check_calls(user, at=at, key=key)
    answer = async_to_sync(_hear)(user, data, language, engine)
    claim_call(user, key=key, at=at, session_id=session_id)
    return Heard(answer.value, answer.engine, answer.model, answer.degraded)


def say(
    user: User,
    text: str,
    *,
    language: Language,
    voice: str = "",
    speed: float = 1.0,
    engine: str = "",
    repeat: str,
    at: datetime,
    session_id: int | None,
) -> Said:
    """The text as sound. Raises `DailyLimitReached` and the refusals of the providers."""
    how = f"{language} {voice} {speed}".encode()
    key = key_of("say", user, repeat, text.encode("utf-8", "replace"), how)
    check_calls(user, at=at, key=key)
    answer = async_to_sync(chain.speak)(
        text, language=language, voice=voice, speed=speed, engine=engine, user_id=user.pk
    )
    claim_call(user, key=key, at=at, session_id=session_id)
    return Said(answer.value, answer.engine, answer.model, answer.degraded)


async def _hear(user: User, data: bytes, language: Language, engine: str) -> Any:
    sound = Sound("audio/wav", await as_speech(data))
    return await chain.transcribe(sound, language=language, engine=engine, user_id=user.pk)


async def as_speech(data: bytes) -> bytes:
    """Any recording as WAV of one channel, 16 kHz: nothing of its file goes any further."""
    if not data:
        raise NoSound
    if len(data) > MOST_BYTES:
        raise SoundTooLarge(limit=MOST_BYTES)
    kind = kind_of(data)
    if kind == "wav":
        try:
            return for_speech(read_wav(data, most_seconds=MOST_SECONDS))
        except BadSound as refusal:
            raise _refusal(refusal.code) from refusal
    decoder = _decoder()
    if kind is None or decoder is None:
        raise UnsupportedSound(accepted=", ".join(accepted()))
    arguments = ["decode", str(decoder), FORMS[kind], str(MOST_SECONDS)]
    try:
        pcm = await run_child(arguments, data, seconds=DECODING_S)
    except ChildLate as late:
        raise ProviderTimeout from late
    except ChildFailed as failed:
        log.info("a recording could not be decoded: %s", failed)
        raise _refusal("too_long" if failed.status == TOO_LONG else "broken") from failed
    if not pcm:
        raise BrokenSound
    return as_wav(pcm, SPEECH_RATE)


def _refusal(code: str) -> DomainError:
    return SoundTooLong(limit=MOST_SECONDS) if code == "too_long" else BrokenSound()


def _decoder() -> Path | None:
    """The folder that holds PyAV, if it is installed."""
    found = importlib.util.find_spec("av")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent.parent
