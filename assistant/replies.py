"""How the embedded engine finds its answer: courtesy, own data, help, or none."""

import logging
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from assistant.core.own_data import own_data_of, subject_of
from assistant.core.search import Hit
from assistant.core.understanding import (
    Days,
    courtesy_of,
    days_of,
    emotion_of,
    is_following,
    is_task,
    wants_more,
)
from assistant.core.words import Language, language_of
from assistant.help_pages import HelpPage, index, pages, section_of
from assistant.providers.base import Ask, Attachment, Source, Tool, Turn
from assistant.providers.embedded_vision import EmbeddedVision
from assistant.tellings import TELLINGS, literal
from assistant.tools import NEAR
from assistant.wording import has_note, note, sentence
from visionai.lib.errors import DomainError

log = logging.getLogger(__name__)

# Of what a question is about, the share that a page must speak of, and the least score.
LEAST_COVERAGE: Final = 0.6
LEAST_SCORE: Final = 2.0
SHORT_INTRO: Final = 300  # characters: the first section is told too
LONGEST: Final = 1_400  # characters of a section
CONTACT: Final = "/contacto/"
SURE: Final = 0.9  # coverage of a page in the other language
CLEAR: Final = 2.0  # points of a subject that a short question names
MOST_PICTURES: Final = 4
MOST_QUESTION: Final = 600  # characters that are looked at
PAGE_OF: Final = {
    "my_predictions": "historial",
    "my_sessions": "sesiones",
    "my_jobs": "informes",
    "my_trading": "bot",
    "my_usage": "uso",
    "site_status": "estado",
}


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    language: Language
    sources: tuple[Source, ...] = ()
    used: tuple[str, ...] = ()


async def answer_to(ask: Ask) -> Answer:
    """The whole answer, in the language of the question."""
    questions = [turn for turn in ask.turns if turn.role == "user"]
    question = questions[-1].text[:MOST_QUESTION] if questions else ""
    language = language_of(question, otherwise=ask.language)
    with override(language):  # nothing is yielded inside
        answer = await _found(question, questions, ask, language)
        return _with_note(answer, ask)


async def _found(question: str, questions: list[Turn], ask: Ask, language: Language) -> Answer:
    if questions and questions[-1].attachments:
        return await _looked_at(questions[-1].attachments, language)
    if not question.strip():
        return Answer(sentence("empty"), language)
    courtesy = courtesy_of(question)
    if courtesy:
        slug = {"others": "privacidad"}.get(courtesy, "asistente")
        sources = () if courtesy in ("thanks", "goodbye") else (_page_source(slug, language),)
        return Answer(sentence(courtesy), language, sources)
    earlier = [turn.text[:MOST_QUESTION] for turn in questions[:-1]]
    if wanted := own_data_of(question):
        return await _told(wanted, _asked(wanted, [question]), ask.tools, language)
    if is_following(question) and (wanted := _followed(question, earlier)):
        told = await _told(wanted, _asked(wanted, [question, *earlier[::-1]]), ask.tools, language)
        return replace(told, text=f"{sentence('following')} {told.text}")
    if wants_more(question):
        return _more(earlier, language)
    return _declined(language) if is_task(question) else _looked_up(question, language)


def _followed(question: str, earlier: list[str]) -> str | None:
    """The tool that a short question leans on: by its own subject, else the latest one asked."""
    before = next(filter(None, map(own_data_of, reversed(earlier))), None)
    if before is None:
        return None
    subject, points = subject_of(question)
    if subject and points >= CLEAR:
        return subject
    named = days_of(question, today=_today()) or emotion_of(question)
    return before if named and before in ("my_predictions", "my_trading", "my_jobs") else None


def _more(earlier: list[str], language: Language) -> Answer:
    """The next best section for the last question that was one."""
    times = 1
    for question in reversed(earlier):
        if wants_more(question):
            times += 1
        elif (hits := _fitting(question, language)) and times < len(hits):
            return _cited(hits[times:], language)
        else:
            break
    return Answer(sentence("no_more"), language, (_page_source("asistente", language),))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question narrows its subject to; a question that follows keeps what was said."""

    days: Days | None = None
    emotion: str | None = None


def _asked(name: str, newest_first: list[str]) -> Asked:
    days = (days_of(text, today=_today()) for text in newest_first)
    emotions = map(emotion_of, newest_first)
    emotion = next(filter(None, emotions), None) if name == "my_predictions" else None
    return Asked(next(filter(None, days), None), emotion)


def _today() -> date:
    return timezone.localdate(timezone=timezone.get_default_timezone())


async def _told(name: str, asked: Asked, tools: tuple[Tool, ...], language: Language) -> Answer:
    tool = next((one for one in tools if one.name == name), None)
    help_page = _page_source(PAGE_OF[name], language)
    if tool is None:
        if len(tools) > 1:
            return Answer(sentence("no_tool"), language, (help_page,))
        source = Source(_("Sign in"), reverse("sign-in"))
        return Answer(sentence("sign_in"), language, (source, help_page))
    try:
        result = await tool.run(_arguments(asked, tool))
    except Exception:  # whatever a part of the product raises, the chat goes on
        log.exception("tool %s failed", name)
        return Answer(sentence("tool_failed"), language, (help_page,), (name,))
    sources = tuple(Source(one["title"], one["url"]) for one in result.get("sources", ()))
    text = TELLINGS[name](result, asked.days)
    if asked.days and not _takes_days(tool) and asked.days.name != "today":
        text = f"{sentence('all_days')}\n\n{text}"
    return Answer(text, language, sources, (name,))


def _arguments(asked: Asked, tool: Tool) -> dict[str, str]:
    found = {"emotion": asked.emotion}
    if asked.days and _takes_days(tool):
        found["from_day"] = asked.days.start.isoformat()
        found["to_day"] = asked.days.end.isoformat()
    return {key: value for key, value in found.items() if value}


def _takes_days(tool: Tool) -> bool:
    return "from_day" in tool.parameters.get("properties", {})


def _looked_up(question: str, language: Language) -> Answer:
    hits = _fitting(question, language)
    return _cited(hits, language) if hits else _declined(language)


def _fitting(question: str, language: Language) -> list[Hit]:
    """What was found, if the best of it speaks of what the question is about."""
    hits = index(language).find(question)
    if hits and hits[0].coverage >= LEAST_COVERAGE and hits[0].score >= LEAST_SCORE:
        return hits
    other: Language = "en" if language == "es" else "es"
    across = index(other).find(question, most=1)
    found = across and across[0].coverage >= SURE and across[0].score >= LEAST_SCORE
    return across if found else []


def _cited(hits: list[Hit], language: Language) -> Answer:
    page = pages(language)[hits[0].passage.page]
    sources = tuple(_page_source(slug, language) for slug in _pages_of(hits))
    return Answer(_section(hits[0], page), language, sources)


def _declined(language: Language) -> Answer:
    sources = (Source(_("Help"), reverse("help")), Source(_("Contact"), CONTACT))
    return Answer(sentence("declined"), language, sources)


def _pages_of(hits: list[Hit]) -> list[str]:
    near = [hit.passage.page for hit in hits if hit.score >= NEAR * hits[0].score]
    return list(dict.fromkeys(near))[:3]


def _section(hit: Hit, page: HelpPage) -> str:
    """The section that fits; before any heading, the page's summary and its beginning."""
    heading = hit.passage.heading if hit.passage.heading in _headings(page) else ""
    section = section_of(page, heading)
    text = section.text or page.summary
    if not heading and len(text) < SHORT_INTRO and len(page.sections) > 1:
        then = page.sections[1]
        text += f"\n\n**{then.heading}**\n\n{then.text}"
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit("\n", 1)[0] + "\n…"
    head = f"**{page.title}: {section.heading}**" if section.heading else f"**{page.title}**"
    return f"{head}\n\n{text}"


def _headings(page: HelpPage) -> set[str]:
    return {section.heading for section in page.sections}


def _page_source(slug: str, language: Language) -> Source:
    page = pages(language)[slug]
    return Source(page.title, page.url)


async def _looked_at(attached: tuple[Attachment, ...], language: Language) -> Answer:
    """What OpenCV finds in the pictures; this engine has no other eyes."""
    lines = []
    pictures = [one for one in attached if one.media_type.startswith("image/")]
    for one in pictures[:MOST_PICTURES]:
        try:
            words = await EmbeddedVision().caption(one.data, language=language)
        except DomainError as refusal:
            words = refusal.sentence()
        lines.append(f"- {literal(one.name)}: {words}")
    if len(pictures) < len(attached):
        lines.append(f"\n{sentence('files')}")
    text = "\n".join([*lines, "", sentence("seen")])
    sources = tuple(_page_source(slug, language) for slug in ("objetos", "foto", "letras"))
    return Answer(text, language, sources)


def _with_note(answer: Answer, ask: Ask) -> Answer:
    """Once in a conversation: what it is."""
    said = any(has_note(turn.text) for turn in ask.turns if turn.role == "assistant")
    if said or has_note(answer.text):
        return answer
    return replace(answer, text=f"{answer.text}\n\n_{note()}_")
