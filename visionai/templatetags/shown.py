"""How values are shown to people."""

from django import template
from django.utils.formats import number_format

register = template.Library()

# The first mark found decides: many browsers also call themselves Chrome or Safari.
BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "Linux": "Linux",
}


@register.filter
def percent(share: float | None) -> str:
    """0.4237 as `42.4 %`, with the decimal sign of the language."""
    return "—" if share is None else f"{number_format(share * 100, 1)} %"


@register.filter
def device(user_agent: str) -> str:
    """The browser and system that a user agent names, as far as they are known."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    return " · ".join(filter(None, (browser, system))) or user_agent[:60] or "—"
