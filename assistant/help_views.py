"""The help pages, for everybody."""

from functools import lru_cache
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from assistant.core.words import Language
from assistant.help_pages import HelpPage, anchor_of, index, pages

MOST_FOUND = 8
MOST_CHARACTERS = 200


@require_GET
def help_index(request: HttpRequest) -> HttpResponse:
    language = _language()
    question = request.GET.get("q", "")[:MOST_CHARACTERS].strip()
    hits = index(language).find(question, most=MOST_FOUND) if question else []
    slugs = dict.fromkeys(hit.passage.page for hit in hits)
    known = pages(language)
    context = {
        "question": question,
        "found": [known[slug] for slug in slugs],
        "pages": known.values(),
    }
    return render(request, "assistant/help.html", context)


@require_GET
def help_page(request: HttpRequest, slug: str) -> HttpResponse:
    page = pages(_language()).get(slug)
    if page is None:
        raise Http404
    context = {"page": page, "text": _rendered(page)}
    return render(request, "assistant/help_page.html", context)


def _language() -> Language:
    found = (get_language() or "es")[:2]
    return cast("Language", found) if found in ("es", "en") else "es"


@lru_cache(maxsize=64)
def _rendered(page: HelpPage) -> SafeString:
    """Our own files, and still without HTML of theirs."""
    from markdown_it import MarkdownIt  # here for its weight

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    found = parser.parse(page.text)
    for number, token in enumerate(found):
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(found[number + 1].content))
    html: str = parser.renderer.render(found, parser.options, {})
    return mark_safe(html)  # noqa: S308
