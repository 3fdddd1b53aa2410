"""What the assistant may look at: read-only, bounded, with the rights of whoever asks.

A configured model calls these by name; the embedded engine chooses one by keywords. Somebody
without a login gets the search in the help alone.
"""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.translation import get_language, override

from accounts.models import User
from assistant import hooks, own_tools
from assistant.core.understanding import days_of
from assistant.core.words import Language, language_of
from assistant.help_pages import index, pages, section_of
from assistant.hooks import SPAN, Result, UserTool
from assistant.providers.base import Tool
from assistant.tellings import title_of
from assistant.threads import in_thread

AnyUser = AbstractBaseUser | AnonymousUser
SEARCH: Final = "search_help"
MOST_CHARACTERS: Final = 6_000  # of a result, as JSON
PASSAGES: Final = 3
MOST_DAYS: Final = 400
NEAR: Final = 0.6  # of the best score: pages that are cited beside the best


def tools_for(user: AnyUser) -> tuple[Tool, ...]:
    """Each bound to this user: whatever a model writes as arguments, no other rows come."""
    found = [_search_tool()]
    if isinstance(user, User) and user.is_active:
        found += [_bound(one, user) for one in (*own_tools.OWN, *hooks.user_tools)]
    return tuple(found)


def _bound(tool: UserTool, user: User) -> Tool:
    async def run(arguments: Mapping[str, Any]) -> Result:
        given = checked(arguments, tool.parameters)
        language = get_language()  # which does not follow into a thread by itself
        return bounded(shown(await in_thread(_look, tool, user, given, language)))

    return Tool(tool.name, tool.description, tool.parameters, run)


def _look(tool: UserTool, user: User, given: Mapping[str, Any], language: str | None) -> Result:
    with override(language):
        return tool.look(user, spanned(given))


def spanned(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """`period`, `from_day` and `to_day` also as moments: `start`, and `end`, which is after it all.

    Raises `ValueError`.
    """
    first, last = _days(given)
    if first and last and not first <= last <= first + timedelta(days=MOST_DAYS):
        raise ValueError(f"to_day: from from_day on, and at most {MOST_DAYS} days later")
    found = {name: value for name, value in given.items() if name not in SPAN["properties"]}
    after = last + timedelta(days=1) if last else None
    return found | {"first": first, "last": last, "start": midnight(first), "end": midnight(after)}


def _days(given: Mapping[str, Any]) -> tuple[date | None, date | None]:
    """A model does not know what day it is; so it may name a period."""
    if "period" in given:
        named = days_of(given["period"].replace("_", " "), today=timezone.localdate())
        if named:
            return named.start, named.end
    return _day(given, "from_day"), _day(given, "to_day")


def _day(given: Mapping[str, Any], name: str) -> date | None:
    try:
        return date.fromisoformat(given[name]) if name in given else None
    except ValueError as error:
        raise ValueError(f"{name}: not a day such as 2026-11-20") from error


def midnight(day: date | None) -> datetime | None:
    return None if day is None else timezone.make_aware(datetime.combine(day, time.min))


def shown(result: Result) -> Result:
    """The result with its pages named in the active language, as `sources`."""
    links = result.get("links", ())
    named = [{"title": title_of(link["title"]), "url": link["url"]} for link in links]
    return {**{key: value for key, value in result.items() if key != "links"}, "sources": named}


def _search_tool() -> Tool:
    parameters = {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "Keywords, in Spanish or English."},
            "language": {"type": "string", "enum": ["es", "en"]},
        },
        "required": ["query"],
        "additionalProperties": False,
    }

    async def run(arguments: Mapping[str, Any]) -> Result:
        given = checked(arguments, parameters)
        return bounded(_search(given))

    about = (
        "Search the help pages of this product (camera, photos, history, sessions, networks to "
        "VHDL, trading, limits, invoices, privacy, API). Cite the url of what you use."
    )
    return Tool(SEARCH, about, parameters, run)


def _search(arguments: Mapping[str, Any]) -> Result:
    query = arguments["query"][:400]
    guessed = language_of(query, otherwise="es")
    language: Language = arguments.get("language") or guessed
    found, near = [], {}
    hits = index(language).find(query, most=PASSAGES)
    for hit in hits:
        page = pages(language)[hit.passage.page]
        text = section_of(page, hit.passage.heading).text or page.summary
        title = f"{page.title}: {hit.passage.heading}" if hit.passage.heading else page.title
        found.append({"title": title, "url": page.url, "text": text[:1500]})
        if hit.score >= NEAR * hits[0].score:
            near[page.url] = page.title
    sources = [{"title": title, "url": url} for url, title in near.items()]
    return {"found": found, "sources": sources}


def bounded(result: Result) -> Result:
    """The result, with lists cut short until it fits; a cut is said."""
    shown = dict(result)
    while len(json.dumps(shown, default=str)) > MOST_CHARACTERS:
        lists = [name for name, value in shown.items() if isinstance(value, list) and value]
        if not lists:
            return {"error": "too_large"}
        longest = max(lists, key=lambda name: len(json.dumps(shown[name], default=str)))
        shown[longest] = shown[longest][: len(shown[longest]) // 2]
        shown["cut_short"] = True
    return shown


# What JSON Schema calls a type. A yes is no integer, though Python's `bool` is an `int`.
KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
}


def checked(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments, without those that are null. Raises `ValueError`."""
    if not isinstance(arguments, Mapping):
        raise ValueError("the arguments are not an object")
    given = {name: value for name, value in arguments.items() if value is not None}
    known: Mapping[str, Any] = schema["properties"]
    if strange := sorted(map(str, given.keys() - known.keys())):
        raise ValueError(f"unknown: {', '.join(strange)[:100]}")
    if missing := sorted(set(schema.get("required", ())) - given.keys()):
        raise ValueError(f"missing: {', '.join(missing)}")
    for name, value in given.items():
        rule = known[name]
        if not KINDS[rule["type"]](value):
            raise ValueError(f"{name}: not of type {rule['type']}")
        if "enum" in rule and value not in rule["enum"]:
            raise ValueError(f"{name}: one of {', '.join(rule['enum'])}")
        low, high = rule.get("minimum", value), rule.get("maximum", value)
        if rule["type"] == "integer" and not low <= value <= high:
            raise ValueError(f"{name}: from {low} to {high}")
    return given
