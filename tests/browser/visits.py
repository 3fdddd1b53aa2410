"""How a person uses the pages, and what must never happen while they do."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

PASSWORD = "una-frase-larga-y-rara-42"
_numbers = itertools.count(1)

NOTE_WHAT_THE_PAGE_HIDES = """
window.closes = [];
window.sockets = [];
window.told = [];
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
window.WebSocket = class extends WebSocket {
  constructor(...all) {
    super(...all);
    window.sockets.push(this);
    this.addEventListener("close", (event) => window.closes.push(event.code));
  }
};
"""


@dataclass
class Visitor:
    """One browser profile that notes every complaint of the pages it opens."""

    context: BrowserContext
    url: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        page = self.context.new_page()
        page.on("console", lambda message: self._heard(page, message))
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("request", lambda request: self._asked(request.url))
        self.go(page, path)
        return page

    def go(self, page: Page, path: str) -> None:
        page.goto(self.url + path)

    def check(self, page: Page) -> None:
        """No complaint so far, no CSP violation and nothing wider than the screen."""
        self.complaints += [f"{page.url}: {text}" for text in page.evaluate("window.violations")]
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{page.url} is {wide} px wider than the screen"
        assert self.complaints == []

    def _heard(self, page: Page, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{page.url}: {message.text}")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != urlsplit(self.url).netloc:
            self.complaints.append(f"asked for {url}")


@contextmanager
def visitor(browser: Browser, url: str, **context: Any) -> Iterator[Visitor]:
    profile = browser.new_context(**context)
    profile.set_default_timeout(15_000)
    profile.add_init_script(NOTE_WHAT_THE_PAGE_HIDES)
    yield Visitor(profile, url)
    profile.close()


def register(guest: Visitor) -> str:
    """A new account, signed in; its name."""
    name = f"ada{next(_numbers)}"
    page = guest.open("/cuenta/registro/")
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.click("form.card button")
    page.wait_for_selector(".rail .who", state="attached")
    page.close()
    return name


def sign_in(guest: Visitor, name: str) -> None:
    page = guest.open("/cuenta/entrar/")
    page.fill("#id_login", name)
    page.fill("#id_password", PASSWORD)
    page.click("form.card button")
    page.wait_for_selector(".rail .who", state="attached")
    page.close()


def until(page: Page, expression: str, *, seconds: float = 15) -> None:
    """Wait for the expression to hold. Playwright's own wait would need `unsafe-eval`."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not within {seconds} s: {expression}"
        page.wait_for_timeout(20)


def pictures_read(page: Page, at_least: int) -> None:
    until(page, f"Number(document.querySelector('#read').textContent) >= {at_least}", seconds=30)


def agree_to_the_camera(guest: Visitor) -> Page:
    page = guest.open("/camara/")
    page.click(".card button.first")
    page.wait_for_selector("#start")
    return page
