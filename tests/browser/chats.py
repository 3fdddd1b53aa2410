"""How a person talks with the assistant."""

import re

from playwright.sync_api import Page, expect

from tests.browser.visits import Visitor

ONE = re.compile(r"/asistente/([0-9a-f-]{36})/")  # the address of a conversation
PATIENT = 20_000  # ms, for what a busy machine does at its first time


def ask(page: Page, text: str) -> None:
    page.fill("#text", text)
    page.press("#text", "Enter")


def last_answer(page: Page) -> str:
    """All that the newest answer says, as it stands."""
    return page.locator(".turn.assistant .answer").last.inner_text()


def words_of(text: str) -> list[str]:
    return text.split()


def answered(page: Page, count: int = 1) -> None:
    """So many answers are shown, and the last is whole."""
    answers = page.locator(".turn.assistant")
    expect(answers).to_have_count(count, timeout=PATIENT)
    expect(answers.last).to_have_attribute("data-state", "done", timeout=PATIENT)


def cut_the_line(guest: Visitor, page: Page) -> None:
    guest.context.set_offline(True)
    page.evaluate("window.sockets.forEach((socket) => socket.close())")
