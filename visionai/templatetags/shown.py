"""How values are shown to people."""

import math
from decimal import Decimal

from django import template
from django.utils.formats import number_format

from sessions_app.devices import device_name
from visionai.lib import amounts

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """0.4237 as `42.4 %`, with the decimal sign of the language."""
    return "—" if share is None else f"{number_format(round(share * 100, 1), 1)} %"


@register.filter
def confidence(probability: float | None) -> str:
    """The same for a probability; nothing is certain, so none is shown as 100 %."""
    return percent(None if probability is None else min(probability, 0.999))


@register.filter
def quantity(number: Decimal) -> str:
    """As many decimals as it has, in the language's way."""
    decimals = f"{number:f}".partition(".")[2]
    return number_format(number, len(decimals.rstrip("0")), force_grouping=True)


register.filter("device", device_name)
register.filter("whole", amounts.whole)
register.filter("money", amounts.money)


@register.filter
def short(number: float) -> str:
    """Three significant digits, with the decimal sign of the language."""
    digits = 0 if number == 0 else max(0, 2 - math.floor(math.log10(abs(number))))
    return number_format(round(number, digits), min(digits, 9))


@register.filter
def plain(number: float) -> str:
    """For an attribute: a point in every language."""
    return repr(float(number))
