"""The help pages: Markdown files beside this module, the same ones in Spanish and English."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from assistant.core.folding import fold
from assistant.core.search import Index, Passage, build
from assistant.core.synonyms import GROUPS
from assistant.core.words import Language

FOLDER: Final = Path(__file__).with_name("help")
# In the order of the index page.
ORDER: Final = """
    visionai camara foto letras objetos panel historial modelo privacidad redes vhdl informes fallos
    trading bot limites pruebas sesiones cuenta uso asistente contacto estado api
"""
SLUGS: Final = tuple(ORDER.split())
HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page; `heading` and `anchor` are empty before the first heading."""

    heading: str
    anchor: str
    text: str  # Markdown


@dataclass(frozen=True, slots=True)
class HelpPage:
    slug: str
    title: str
    summary: str
    words: str  # what people call its subject besides
    text: str  # Markdown, without the head
    sections: tuple[Section, ...]

    @property
    def url(self) -> str:
        return f"/ayuda/{self.slug}/"


@cache
def pages(language: Language) -> dict[str, HelpPage]:
    return {slug: _read(slug, language) for slug in SLUGS}


@cache
def index(language: Language) -> Index:
    found = [
        Passage(
            page=page.slug,
            title=page.title,
            heading=section.heading,
            text=f"{page.summary} {section.text}" if not number else section.text,
            words=page.words if not number else "",
        )
        for page in pages(language).values()
        for number, section in enumerate(page.sections)
    ]
    return build(found, language=language, groups=GROUPS[language])


def section_of(page: HelpPage, heading: str) -> Section:
    return next(one for one in page.sections if one.heading == heading)


def anchor_of(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(heading)).strip("-")


def _read(slug: str, language: Language) -> HelpPage:
    raw = (FOLDER / language / f"{slug}.md").read_text(encoding="utf-8")
    head, text = raw.split("\n\n", 1)
    facts = dict(line.split(": ", 1) for line in head.splitlines())
    parts = HEADING.split(text)
    sections = [Section("", "", parts[0].strip())]
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        sections.append(Section(heading, anchor_of(heading), body.strip()))
    return HelpPage(
        slug, facts["title"], facts["summary"], facts["words"], text.strip(), tuple(sections)
    )
