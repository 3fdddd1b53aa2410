"""How the embedded engine finds its answer: courtesy, own data, help, or none."""

import logging
from dataclasses import dataclass, replace
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from assistant.core.own_data import own_data_of
from assistant.core.search import Hit
from assistant.core.understanding import Days, courtesy_of, days_of, emotion_of, is_task
from assistant.core.words import Language, language_of
from assistant.help_pages import HelpPage, index, pages, section_of
from assistant.providers.base import Ask, Source, Tool, Turn
from assistant.tellings import TELLINGS, title_of
from assistant.wording import note, sentence

log = logging.getLogger(__name__)

# Of what a question is about, the share that a page must speak of, and the least score.
LEAST_COVERAGE: Final = 0.6
LEAST_SCORE: Final = 2.0
ALSO: Final = 0.6  # of the best score: other pages that are named
LONGEST: Final = 1_400  # characters of a section
CONTACT: Final = "/contacto/"
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
    if not question.strip():
        attached = questions and questions[-1].attachments
        return _picture(language) if attached else Answer(sentence("empty"), language)
    courtesy = courtesy_of(question)
    if courtesy:
        slug = {"others": "privacidad"}.get(courtesy, "asistente")
        sources = () if courtesy in ("thanks", "goodbye") else (_page_source(slug, language),)
        return Answer(sentence(courtesy), language, sources)
    wanted = _own_data(questions)
    if wanted:
        return await _told(wanted, question, ask.tools, language)
    return _declined(language) if is_task(question) else _looked_up(question, language)


def _own_data(questions: list[Turn]) -> str | None:
    """The tool for the newest question, or for the one that it follows up."""
    return own_data_of(questions[-1].text[:MOST_QUESTION])


async def _told(name: str, question: str, tools: tuple[Tool, ...], language: Language) -> Answer:
    tool = next((one for one in tools if one.name == name), None)
    help_page = _page_source(PAGE_OF[name], language)
    if tool is None:
        if len(tools) > 1:
            return Answer(sentence("no_tool"), language, (help_page,))
        source = Source(_("Sign in"), reverse("sign-in"))
        return Answer(sentence("sign_in"), language, (source, help_page))
    days = _days(name, question)
    try:
        result = await tool.run(_arguments(name, question, days))
    except Exception:  # whatever a part of the product raises, the chat goes on
        log.exception("tool %s failed", name)
        return Answer(sentence("tool_failed"), language, (help_page,), (name,))
    links = result.get("links", ())
    sources = tuple(Source(title_of(link["title"]), link["url"]) for link in links)
    return Answer(TELLINGS[name](result, days), language, sources, (name,))


def _days(name: str, question: str) -> Days | None:
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    return days_of(question, today=today) if name == "my_predictions" else None


def _arguments(name: str, question: str, days: Days | None) -> dict[str, str]:
    if name != "my_predictions":
        return {}
    found = {"emotion": emotion_of(question)}
    if days:
        found |= {"from_day": days.start.isoformat(), "to_day": days.end.isoformat()}
    return {key: value for key, value in found.items() if value}


def _looked_up(question: str, language: Language) -> Answer:
    hits = index(language).find(question)
    if not hits or hits[0].coverage < LEAST_COVERAGE or hits[0].score < LEAST_SCORE:
        other: Language = "en" if language == "es" else "es"
        across = index(other).find(question, most=1)
        if across and across[0].coverage >= 0.9 and across[0].score >= LEAST_SCORE:
            hits = across
        else:
            return _declined(language)
    best, page = hits[0], pages(language)[hits[0].passage.page]
    sources = tuple(_page_source(slug, language) for slug in _pages_of(hits))
    return Answer(_section(best, page), language, sources)


def _declined(language: Language) -> Answer:
    sources = (Source(_("Help"), reverse("help")), Source(_("Contact"), CONTACT))
    return Answer(sentence("declined"), language, sources)


def _pages_of(hits: list[Hit]) -> list[str]:
    near = [hit.passage.page for hit in hits if hit.score >= ALSO * hits[0].score]
    return list(dict.fromkeys(near))[:3]


def _section(hit: Hit, page: HelpPage) -> str:
    """The section that fits; before any heading, the page's summary and its beginning."""
    heading = hit.passage.heading if hit.passage.heading in _headings(page) else ""
    section = section_of(page, heading)
    text = section.text or page.summary
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit("\n", 1)[0] + "\n…"
    head = f"**{page.title}: {section.heading}**" if section.heading else f"**{page.title}**"
    return f"{head}\n\n{text}"


def _headings(page: HelpPage) -> set[str]:
    return {section.heading for section in page.sections}


def _page_source(slug: str, language: Language) -> Source:
    page = pages(language)[slug]
    return Source(page.title, page.url)


def _picture(language: Language) -> Answer:
    slugs = ("foto", "letras", "objetos")
    sources = tuple(_page_source(slug, language) for slug in slugs)
    return Answer(sentence("picture"), language, sources)


def _with_note(answer: Answer, ask: Ask) -> Answer:
    """Once in a conversation: what it is."""
    said = any(note() in turn.text for turn in ask.turns if turn.role == "assistant")
    if said or note() in answer.text:
        return answer
    return replace(answer, text=f"{answer.text}\n\n_{note()}_")
