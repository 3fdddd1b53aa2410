"""The built-in engines of speech, each in a process of its own."""

import asyncio
import importlib.util
import io
import json
import os
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from django.utils.translation import override

from assistant.core.sound import as_heard, as_wav, read_wav
from assistant.core.voices import VOICES, plain, voice_for
from assistant.providers import children, embedded_speech, speech_child
from assistant.providers.base import (
    Language,
    ProviderBusy,
    ProviderFault,
    ProviderTimeout,
    Sound,
)
from assistant.providers.children import ChildFailed, ChildLate, run_child
from assistant.providers.embedded_speech import (
    EmbeddedSpeaker,
    EmbeddedTranscriber,
    NoEngine,
    OnlyEnglish,
    SoundRefused,
    SpokenTooLong,
    UnknownLanguage,
)
from assistant.tests.speech import DIGITS, encoded, spoken


async def said(
    text: str, *, language: Language = "es", voice: str = "", speed: float = 1.0
) -> float:
    """Seconds that the text takes."""
    sound = await EmbeddedSpeaker().speak(text, language=language, voice=voice, speed=speed)
    assert sound.media_type == "audio/wav"
    return read_wav(sound.data, most_seconds=600).seconds


def wrong(wanted: str, heard: str) -> int:
    """Words to be put in, left out or replaced."""
    row = list(range(len(heard.split()) + 1))
    for number, word in enumerate(wanted.split(), 1):
        above, row = row, [number]
        for at, other in enumerate(heard.split()):
            row.append(min(row[at] + 1, above[at + 1] + 1, above[at] + (word != other)))
    return row[-1]


async def test_what_one_engine_says_the_other_hears() -> None:
    errors = words = 0
    for text in (DIGITS, "hello how are you today", "open the door please"):
        sound = Sound("audio/wav", await asyncio.to_thread(spoken, text))
        heard = await EmbeddedTranscriber().transcribe(sound, language="en")
        assert heard.language == "en"
        assert heard.seconds > 1
        errors += wrong(text, heard.text)
        words += len(text.split())
    assert words == 19
    assert errors <= 4  # none on one machine; a coin would have all wrong


async def test_silence_says_nothing_or_next_to_nothing() -> None:
    sound = Sound("audio/wav", silence(seconds=2))
    heard = await EmbeddedTranscriber().transcribe(sound, language="en")
    assert len(heard.text.split()) <= 2


def silence(*, seconds: float) -> bytes:
    return as_wav(bytes(int(seconds * 16_000) * 2), 16_000)


async def test_a_language_that_is_not_heard_is_refused_and_told() -> None:
    with pytest.raises(OnlyEnglish) as refusal:
        await EmbeddedTranscriber().transcribe(Sound("audio/wav", b""), language="es")
    with override("en"):
        assert "provider" in refusal.value.sentence()
    assert not refusal.value.counts


async def test_what_is_no_wav_is_refused() -> None:
    with pytest.raises(SoundRefused):
        await EmbeddedTranscriber().transcribe(Sound("audio/wav", b"OggS"), language="en")


@pytest.mark.parametrize("voice", VOICES, ids=lambda voice: voice.id)
async def test_every_voice_speaks(voice: object) -> None:
    assert isinstance(voice, type(VOICES[0]))
    language: Language = "es" if voice.language == "es" else "en"
    assert 0.4 < await said("uno dos tres", language=language, voice=voice.id) < 3


async def test_speed_makes_it_shorter_or_longer() -> None:
    text = "La lluvia en Sevilla es una pura maravilla."
    normal, slow, fast = [await said(text, speed=speed) for speed in (1.0, 0.5, 2.0)]
    assert slow > normal * 1.6
    assert fast < normal * 0.7


def test_a_voice_of_another_language_or_of_nobody_is_the_languages_first() -> None:
    assert voice_for("es", "en-gb").id == "es"
    assert voice_for("en", "alloy").id == "en-us"
    with pytest.raises(KeyError):
        voice_for("fr", "")


async def test_a_language_without_a_voice_is_refused() -> None:
    with pytest.raises(UnknownLanguage):
        await EmbeddedSpeaker().speak("oui", language="fr", voice="", speed=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "\x01 5S hola \x01",  # the engine's own commands
        "a\x00b",
        "\ud800 medio par",
        "😀 🇪🇸 \u202e\ufeff\U0010ffff",
        "'; rm -rf / #$(reboot)",
        "{%s}%n%n%n",
        "ñ" * 1500,
        "\u0301" * 1500,
        "١٢٣ 漢字 עברית",
        "",
        " \n\t ",
    ],
)
async def test_no_text_is_too_strange_to_be_spoken(text: str) -> None:
    assert await said(text) < 600


async def test_markup_is_read_out_as_text() -> None:
    word = await said("hola")
    assert await said("<speak>hola</speak>") > word * 2
    assert await said("<break time='60s'/>hola") < 20
    assert await said("[[h'@loU]]") > word
    assert plain("a\x01b\n c\u0085d\ud800") == "a b c d"


async def test_more_sound_than_anybody_waits_for_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedded_speech, "MOST_SPOKEN_S", 2)
    with pytest.raises(SpokenTooLong):
        await said("uno dos tres cuatro cinco seis siete ocho nueve diez once doce")


async def test_it_is_told_where_an_engine_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NoEngine):
        await said("hola")
    monkeypatch.undo()
    monkeypatch.setattr(embedded_speech, "_home", lambda package: Path("/nowhere"))
    with pytest.raises(NoEngine):
        await said("hola")


def test_the_engines_are_named_with_their_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EmbeddedTranscriber().model.startswith("pocketsphinx 5")
    assert EmbeddedSpeaker().model.startswith("espeak-ng ")

    def none(package: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(embedded_speech, "version", none)
    assert EmbeddedSpeaker().model == "espeak-ng"


# Processes


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Children that write who they are and do no more."""
    script = tmp_path / "stuck.py"
    script.write_text(
        "import os, sys, time\n"
        f"open({str(tmp_path)!r} + '/' + str(os.getpid()), 'w').close()\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setattr(children, "SCRIPT", script)
    return tmp_path


def alive(folder: Path) -> list[int]:
    found = []
    for path in folder.iterdir():
        if path.name.isdigit():
            try:
                os.kill(int(path.name), 0)
            except ProcessLookupError:
                continue
            found.append(int(path.name))
    return found


async def until(condition: object, *, seconds: float = 10) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def test_a_child_that_takes_too_long_is_ended(stuck: Path) -> None:
    with pytest.raises(ChildLate):
        await run_child(["speak"], b"", seconds=0.5)
    assert alive(stuck) == []


async def test_who_stops_waiting_ends_the_child(stuck: Path) -> None:
    task = asyncio.create_task(run_child(["speak"], b"", seconds=30))
    await until(lambda: alive(stuck))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not alive(stuck))


async def test_a_long_line_is_refused_and_short_of_it_nobody_starts_before_his_turn(
    stuck: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = children.AT_ONCE + children.LINE
    tasks = [asyncio.create_task(run_child(["speak"], b"", seconds=30)) for _ in range(places)]
    await until(lambda: len(alive(stuck)) == children.AT_ONCE)
    with pytest.raises(ProviderBusy) as refusal:
        await run_child(["speak"], b"", seconds=30)
    assert refusal.value.retry_after
    assert len(alive(stuck)) == children.AT_ONCE
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await until(lambda: not alive(stuck))
    monkeypatch.undo()
    assert await said("hola") > 0  # all places are free again


async def test_a_stop_of_the_server_ends_all_and_later_calls_are_served(
    stuck: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [asyncio.create_task(run_child(["speak"], b"", seconds=30)) for _ in range(4)]
    await until(lambda: len(alive(stuck)) == children.AT_ONCE)
    children.end_all()
    ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert [type(end) for end in ends] == [ChildFailed] * 4
    assert alive(stuck) == []
    monkeypatch.undo()
    assert await said("hola") > 0


async def test_the_loop_goes_on_while_an_engine_works() -> None:
    task, turns = asyncio.create_task(said("La lluvia en Sevilla. " * 60)), 0
    while not task.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert await task > 60
    assert turns > 5  # a loop that waited for the engine would have had two


@pytest.mark.parametrize("ending", ["os.abort()", "sys.exit(1)", "os.kill(os.getpid(), 9)"])
async def test_an_engine_that_crashes_is_a_fault_of_the_provider(
    ending: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "crash.py"
    script.write_text(f"import os, sys\n{ending}\n")
    monkeypatch.setattr(children, "SCRIPT", script)
    with pytest.raises(ChildFailed):
        await run_child(["speak"], b"x" * 2**20, seconds=20)
    with pytest.raises(ProviderFault):
        await said("hola")
    sound = Sound("audio/wav", silence(seconds=1))
    with pytest.raises(ProviderFault):
        await EmbeddedTranscriber().transcribe(sound, language="en")


async def test_an_engine_that_hangs_is_late(stuck: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_speech, "SPEAKING_S", 0.3)
    monkeypatch.setattr(embedded_speech, "HEARING_S", 0.3)
    with pytest.raises(ProviderTimeout):
        await said("hola")
    sound = Sound("audio/wav", silence(seconds=1))
    with pytest.raises(ProviderTimeout):
        await EmbeddedTranscriber().transcribe(sound, language="en")


async def test_a_child_knows_no_secret_of_the_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "tell.py"
    script.write_text("import os, sys\nsys.stdout.write(' '.join(os.environ))\n")
    monkeypatch.setattr(children, "SCRIPT", script)
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    assert b"OPENAI_API_KEY" not in await run_child(["speak"], b"", seconds=20)


def test_a_voice_is_heard_as_sound_and_not_as_silence() -> None:
    wave = read_wav(spoken("hola", language="es", voice="es"), most_seconds=9)
    assert np.abs(wave.samples).max() > 0.1


def test_the_child_does_the_same_without_a_process_around_it() -> None:
    home = Path(importlib.util.find_spec("espeakng_loader").origin).parent  # type: ignore[union-attr,arg-type]
    library, folder = str(home / "libespeak-ng.so"), str(home / "espeak-ng-data")
    asked = {"text": "open the door please", "voice": "en-us", "words_a_minute": 150}
    out = io.BytesIO()
    words = json.dumps(asked | {"most_seconds": 60}).encode()
    speech_child.speak(library, folder, io.BytesIO(words), out)
    rate, _, pcm = out.getvalue().partition(b"\n")
    wave = read_wav(as_wav(pcm, int(rate)), most_seconds=60)
    heard = io.BytesIO()
    speech_child.hear(io.BytesIO(as_heard(wave)), heard)
    assert "please" in json.loads(heard.getvalue())["text"]
    webm, decoded = encoded(as_wav(pcm, int(rate)), "webm", "libopus"), io.BytesIO()
    speech_child.decode("matroska", 60, io.BytesIO(webm), decoded)
    assert len(decoded.getvalue()) / 32_000 == pytest.approx(wave.seconds, abs=0.1)
    with pytest.raises(speech_child.TooLong):
        speech_child.decode("matroska", 0.5, io.BytesIO(webm), io.BytesIO())
    words = json.dumps(asked | {"most_seconds": 0.5}).encode()
    with pytest.raises(speech_child.TooLong):
        speech_child.speak(library, folder, io.BytesIO(words), io.BytesIO())
    words = json.dumps(asked | {"most_seconds": 9, "voice": "nobody"}).encode()
    with pytest.raises(OSError, match="no voice"):
        speech_child.speak(library, folder, io.BytesIO(words), io.BytesIO())
