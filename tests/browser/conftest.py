"""A real Chromium with a film of a portrait for its camera, and an eye on all that pages do."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visits import Visitor, register, visitor
from tests.services.fixtures import Serve
from tests.services.openai_server import OpenAIServer
from tests.services.server import ROOT, Server

SAMPLES = ROOT / "static" / "samples"
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Launch = Callable[..., Browser]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Motion JPEG for the fake camera: one portrait on a plain wall, 640x480."""
    wall = Image.new("RGB", (640, 480), (120, 130, 140))
    portrait = Image.open(SAMPLES / "eileen-collins-nasa.jpg").convert("RGB").resize((480, 480))
    wall.paste(portrait, (80, 0))
    frame = io.BytesIO()
    wall.save(frame, "JPEG", quality=90)
    path = tmp_path_factory.mktemp("film") / "portrait.mjpeg"
    path.write_bytes(frame.getvalue() * 30)
    return path


@pytest.fixture(scope="module")
def launch(chromium: str) -> Iterator[Launch]:
    """Start a browser with more arguments; all end with the module.

    Not with the session: Playwright keeps an event loop running, which asynchronous tests of
    other modules could not bear.
    """
    with sync_playwright() as playwright:

        def start(*more: str) -> Browser:
            # Its own arguments say --headless the old way; ours choose the new one.
            return playwright.chromium.launch(
                executable_path=chromium, headless=True, args=[*ARGUMENTS, *more]
            )

        yield start


@pytest.fixture(scope="module")
def browser(launch: Launch, film: Path) -> Iterator[Browser]:
    """With a camera that shows the film and is always allowed."""
    started = launch(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    yield started
    started.close()


@pytest.fixture(scope="module")
def far() -> Iterator[OpenAIServer]:
    """A provider of the assistant that says and fails as a test wants."""
    with OpenAIServer() as server:
        yield server


@pytest.fixture(scope="module")
def product(serve_module: Serve, far: OpenAIServer) -> Server:
    """A server whose assistant asks `far`."""
    return serve_module(
        OPENAI_BASE_URL=far.base_url, OPENAI_CHAT_MODEL="small", OPENAI_TRANSCRIBE_MODEL="ear"
    )


@pytest.fixture
def ada(browser: Browser, product: Server, far: OpenAIServer) -> Iterator[Visitor]:
    """Signed in there, with a healthy provider."""
    far.behave()
    with visitor(browser, product.url, locale="es") as guest:
        register(guest)
        yield guest
