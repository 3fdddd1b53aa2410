"""How values are shown to people."""

from django import template
from django.utils.formats import number_format

from sessions_app.devices import device_name

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """0.4237 as `42.4 %`, with the decimal sign of the language."""
    return "—" if share is None else f"{number_format(share * 100, 1)} %"


register.filter("device", device_name)
