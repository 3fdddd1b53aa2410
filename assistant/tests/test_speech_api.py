"""Speech over HTTP: who may, what is taken, what is refused, and what is counted."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.acts import ASSISTANT_CALL
from accounts.models import Plan, PlanLimit, UsageRow, User
from assistant import speech
from assistant.core.sound import as_wav, read_wav
from assistant.tests.speech import DIGITS, encoded, spoken
from assistant.throttles import SpeechOfUser
from sessions_app.models import Sesion
from sessions_app.tests.factories import a_session, a_user
from sessions_app.tokens import issue_tokens

pytestmark = pytest.mark.django_db
TRANSCRIBE, SPEAK = "/api/v1/assistant/transcribe", "/api/v1/assistant/speak"
VOICES = "/api/v1/assistant/voices"


@pytest.fixture
def ana() -> User:
    return a_user("ana")


def as_api(user: User) -> APIClient:
    sesion = a_session(user, kind=Sesion.Kind.API, at=timezone.now())
    token = issue_tokens(sesion, at=timezone.now()).access
    return APIClient(headers={"Authorization": f"Bearer {token}", "Accept-Language": "en"})


@pytest.fixture
def api(ana: User) -> APIClient:
    return as_api(ana)


@pytest.fixture(autouse=True)
def _no_memory(settings: Any) -> Iterator[None]:
    from django.core.cache import cache

    cache.clear()
    yield
    cache.clear()


def a_file(data: bytes, name: str = "voz.wav") -> dict[str, Any]:
    return {"file": SimpleUploadedFile(name, data), "language": "en"}


def calls(user: User) -> int:
    return UsageRow.objects.filter(user=user, act=ASSISTANT_CALL.name).count()


# Hearing


def test_digits_are_heard_from_a_form_and_counted_once(api: APIClient, ana: User) -> None:
    answer = api.post(TRANSCRIBE, a_file(spoken()), format="multipart")
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    assert len(set(body["text"].split()) & set(DIGITS.split())) >= 8
    assert (body["language"], body["engine"], body["degraded"]) == ("en", "embedded", False)
    assert body["model"].startswith("pocketsphinx")
    assert body["seconds"] == pytest.approx(3.4, abs=0.8)
    row = UsageRow.objects.get(user=ana)
    assert (row.act, row.amount) == ("assistant_call", 1)
    assert row.session == str(Sesion.objects.get(user=ana).pk)


@pytest.mark.parametrize("media", ["audio/wav", "audio/x-wav", "application/octet-stream"])
def test_the_body_may_be_the_recording(api: APIClient, media: str) -> None:
    answer = api.post(
        f"{TRANSCRIBE}?language=en", spoken("open the door please"), content_type=media
    )
    assert "please" in answer.json()["text"]


@pytest.mark.parametrize(
    ("form", "codec"),
    [("webm", "libopus"), ("mp3", "libmp3lame"), ("ogg", "libopus"), ("flac", "flac")],
)
def test_other_formats_are_decoded(api: APIClient, form: str, codec: str) -> None:
    data = encoded(spoken("open the door please"), form, codec)
    answer = api.post(
        f"{TRANSCRIBE}?language=en", data, content_type=f"audio/{form}; codecs={codec}"
    )
    assert answer.status_code == 200, answer.json()
    assert "please" in answer.json()["text"]


def test_without_a_decoder_the_formats_that_are_read_are_named(
    api: APIClient, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speech, "_decoder", lambda: None)
    answer = api.post(f"{TRANSCRIBE}?language=en", b"\x1aE\xdf\xa3", content_type="audio/webm")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_format")
    assert answer.json()["accepted"] == "wav"
    assert api.get(VOICES).json()["formats"] == ["wav"]
    assert calls(ana) == 0


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "no_file"),
        (b"GIF89a", 415, "unsupported_format"),
        (b"#EXTM3U\nfile:///etc/passwd\n", 415, "unsupported_format"),
        (b"RIFF\0\0\0\0WAVE", 422, "broken"),
        (b"\x1aE\xdf\xa3" + b"\0" * 500, 422, "broken"),
        (b"ID3\x04" + bytes(500), 422, "broken"),
        (as_wav(b"", 16_000), 422, "broken"),
        (as_wav(bytes(121 * 32_000), 16_000), 422, "too_long"),
    ],
)
def test_what_cannot_be_heard_is_refused_and_not_counted(
    api: APIClient, ana: User, data: bytes, status: int, code: str
) -> None:
    answer = api.post(f"{TRANSCRIBE}?language=en", data, content_type="application/octet-stream")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["detail"]
    assert calls(ana) == 0


def test_a_packed_recording_cannot_be_longer_than_an_open_one(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speech, "MOST_SECONDS", 1)
    data = encoded(spoken(), "webm", "libopus")
    answer = api.post(f"{TRANSCRIBE}?language=en", data, content_type="audio/webm")
    assert (answer.status_code, answer.json()["code"]) == (422, "too_long")


@pytest.mark.parametrize("form", ["multipart", "raw"])
def test_too_many_bytes_are_refused(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(speech, "MOST_BYTES", 1000)
    if form == "raw":
        answer = api.post(TRANSCRIBE, bytes(1001), content_type="audio/wav")
    else:
        answer = api.post(TRANSCRIBE, a_file(bytes(1001)), format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    monkeypatch.setattr("assistant.speech_api.AROUND", 0)
    answer = api.post(TRANSCRIBE, a_file(bytes(1001)), format="multipart")
    assert answer.status_code == 413


def test_a_form_without_its_file_is_told_so(api: APIClient) -> None:
    answer = api.post(TRANSCRIBE, {"language": "en"}, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (400, "no_file")


def test_spanish_is_refused_with_what_to_do(api: APIClient, ana: User) -> None:
    recording = spoken("hola qué tal", language="es", voice="es")
    answer = api.post(f"{TRANSCRIBE}?language=es", recording, content_type="audio/wav")
    assert (answer.status_code, answer.json()["code"]) == (422, "language_not_heard")
    assert "browser" in answer.json()["detail"]
    assert calls(ana) == 0


def test_a_language_that_is_none_is_refused(api: APIClient) -> None:
    answer = api.post(f"{TRANSCRIBE}?language=xx", spoken(), content_type="audio/wav")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


# Speaking


def test_a_text_is_spoken_as_wav_and_counted_once(api: APIClient, ana: User) -> None:
    answer = api.post(SPEAK, {"text": "Hola, ¿qué tal?", "language": "es"})
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/wav")
    assert (answer["X-Engine"], answer["X-Degraded"]) == ("embedded", "false")
    assert 0.5 < read_wav(answer.content, most_seconds=60).seconds < 4
    assert calls(ana) == 1


def test_json_is_answered_to_who_asks_for_it(api: APIClient) -> None:
    answer = api.post(SPEAK, {"text": "Hello"}, headers={"Accept": "application/json"})
    body = answer.json()
    assert body["media_type"] == "audio/wav"
    assert read_wav(base64.b64decode(body["audio"]), most_seconds=60).seconds > 0.2
    assert body["model"].startswith("espeak-ng")


def test_a_refusal_is_a_document_also_to_who_asks_for_sound(api: APIClient) -> None:
    answer = api.post(SPEAK, {"text": ""}, headers={"Accept": "audio/wav"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["code"] == "invalid"


@pytest.mark.parametrize(
    "more",
    [
        {"text": "a" * 1501},
        {"text": "   "},
        {"speed": 0.4},
        {"speed": 2.1},
        {"speed": "nan"},
        {"voice": "../../etc"},
        {"language": "fr"},
        {"text": None},
        {"text": ["a"]},
    ],
)
def test_what_cannot_be_spoken_is_refused(api: APIClient, ana: User, more: dict[str, Any]) -> None:
    answer = api.post(SPEAK, {"text": "Hola", "language": "es"} | more)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert calls(ana) == 0


def test_the_voices_are_listed_with_what_is_read(api: APIClient) -> None:
    body = api.get(VOICES).json()
    assert {one["language"] for one in body["voices"]} == {"es", "en"}
    assert body["formats"] == ["wav", "webm", "ogg", "mp3", "flac", "mp4"]


# Who, how often, and how it counts


@pytest.mark.parametrize(
    ("method", "path"), [("post", TRANSCRIBE), ("post", SPEAK), ("get", VOICES)]
)
def test_a_visitor_must_sign_in(method: str, path: str) -> None:
    answer = getattr(APIClient(), method)(path)
    assert answer.status_code == 401
    bad = APIClient(headers={"Authorization": "Bearer nonsense"})
    assert getattr(bad, method)(path).status_code == 401


def test_nobody_may_ask_too_often(api: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SpeechOfUser, "rate", "2/min")
    assert [api.post(SPEAK, {"text": "a"}).status_code for _ in range(3)] == [200, 200, 429]
    assert as_api(a_user()).post(SPEAK, {"text": "a"}).status_code == 200


def test_the_same_call_sent_again_counts_once(api: APIClient, ana: User) -> None:
    again = {"Idempotency-Key": "frase-1"}
    for _ in range(2):
        assert api.post(SPEAK, {"text": "Hola"}, headers=again).status_code == 200
    assert calls(ana) == 1
    api.post(SPEAK, {"text": "Adiós"}, headers=again)  # another text is another call
    api.post(SPEAK, {"text": "Hola"})
    assert calls(ana) == 3
    eva = a_user()
    as_api(eva).post(SPEAK, {"text": "Hola"}, headers=again)
    assert (calls(ana), calls(eva)) == (3, 1)
    answer = api.post(SPEAK, {"text": "Hola"}, headers={"Idempotency-Key": "a b"})
    assert answer.status_code == 400


def test_the_days_limit_ends_it(api: APIClient, ana: User) -> None:
    Plan.objects.all().delete()
    plan = Plan.objects.create(name="small")
    PlanLimit.objects.create(plan=plan, name="assistant_calls_a_day", most=2)
    again = {"Idempotency-Key": "x"}
    codes = [api.post(SPEAK, {"text": "a"}, headers=again).status_code for _ in range(2)]
    codes += [api.post(SPEAK, {"text": "b"}).status_code]
    assert codes == [200, 200, 200]
    assert api.post(SPEAK, {"text": "a"}, headers=again).status_code == 200  # it is paid for
    answer = api.post(SPEAK, {"text": "c"})
    assert (answer.status_code, answer.json()["code"]) == (429, "daily_limit_reached")
    assert int(answer["Retry-After"]) <= timedelta(days=1).total_seconds() + 1
    refused = api.post(f"{TRANSCRIBE}?language=en", spoken(), content_type="audio/wav")
    assert refused.status_code == 429
    assert calls(ana) == 2
