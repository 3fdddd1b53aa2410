"""Money, codes and events on pages."""

from decimal import Decimal

from django import template
from django.utils.formats import number_format
from django.utils.translation import pgettext

from trading import reasons, words
from trading.models import Order
from visionai.lib.amounts import money

register = template.Library()
register.filter("reason", reasons.reason)
register.filter("told", words.told)


@register.filter
def signed(amount: Decimal | None) -> str:
    """The same with its sign; nothing lost and nothing won has none."""
    if amount is None:
        return "—"
    return f"+{money(amount)}" if amount > 0 else money(amount)


@register.filter
def strategy(name: str) -> str:
    return str(words.STRATEGIES.get(name, (name, ""))[0])


@register.filter
def limit(name: str) -> str:
    return str(reasons.LIMITS.get(name, name))


@register.filter
def order_state(order: Order) -> str:
    if order.state == Order.State.OPEN:
        return pgettext("order", "Open")  # elsewhere it is said of several things
    return str(order.get_state_display())


@register.filter
def price(value: float | None) -> str:
    return "—" if value is None else number_format(value, 5)


@register.filter
def level(name: str) -> str:
    return str(words.LEVELS.get(name, name))


@register.filter
def kind(name: str) -> str:
    return str(words.KINDS.get(name, name))


@register.filter
def order_end(name: str) -> str:
    """An outcome, or the state of an order that has none."""
    if name == Order.State.OPEN:
        return pgettext("order", "Open")
    known = dict(Order.Outcome.choices) | dict(Order.State.choices)
    return str(known.get(name, name))


@register.filter
def milliseconds(value: float | None) -> str:
    return "—" if value is None else f"{number_format(value, 0)} ms"


@register.filter
def lasting(seconds: int) -> str:
    """`5 min`, `3 h 05 min`; `2 d 3 h` from a day on."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60:02} min" if hours else f"{minutes} min"
