"""A page records what a microphone hears, and the server understands it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser

from assistant.core.sound import as_pcm, as_wav, read_wav, resampled
from assistant.tests.speech import spoken
from tests.browser.conftest import Launch
from tests.browser.visits import register, visitor
from tests.services.server import Server

pytestmark = [pytest.mark.browser, pytest.mark.server]

RECORD = """async (time) => {
  const { Recording } = await import("/static/js/speech.js");
  const { csrfToken } = await import("/static/js/api.js");
  const recording = await Recording.begin();
  await new Promise((done) => setTimeout(done, time));
  const sound = await recording.end();
  const form = new FormData();
  form.append("file", sound, "recording.wav");
  form.append("language", "en");
  const headers = { "X-CSRFToken": csrfToken() };
  const url = "/api/v1/assistant/transcribe";
  const response = await fetch(url, { method: "POST", body: form, headers });
  return [sound.type, sound.size, response.status, await response.json()];
}"""


@pytest.fixture(scope="module")
def speaking(launch: Launch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser before whose microphone somebody counts, again and again."""
    with ThreadPoolExecutor(1) as apart:  # Playwright's loop runs in this thread
        words = apart.submit(spoken, "one two three four five").result()
    wave = resampled(read_wav(words, most_seconds=60), 48_000)
    path = tmp_path_factory.mktemp("sound") / "digits.wav"
    path.write_bytes(as_wav(as_pcm(wave), 48_000))
    started = launch(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={path}",
    )
    yield started
    started.close()


def test_a_recording_of_the_page_is_understood(speaking: Browser, shared_server: Server) -> None:
    with visitor(speaking, shared_server.url) as ada:
        register(ada)
        page = ada.open("/senas/")
        kind, size, status, body = page.evaluate(RECORD, 5000)
        assert (kind, status) == ("audio/wav", 200)
        assert 3 * 32_000 < size < 7 * 32_000  # 16 bit, 16 kHz, one channel
        assert body["seconds"] == pytest.approx((size - 44) / 32_000, abs=0.01)
        assert len({"one", "two", "three", "four", "five"} & set(body["text"].split())) >= 3
        ada.check(page)


def test_a_microphone_that_is_refused_is_an_error_with_its_name(
    browser: Browser, shared_server: Server
) -> None:
    with visitor(browser, shared_server.url) as guest:
        guest.context.add_init_script(
            "navigator.mediaDevices.getUserMedia = async () => "
            "{ throw new DOMException('', 'NotAllowedError'); }"
        )
        page = guest.open("/senas/")
        name = page.evaluate(
            "async () => { const { Recording } = await import('/static/js/speech.js');"
            " try { await Recording.begin(); } catch (error) { return error.name; } }"
        )
        assert name == "NotAllowedError"
