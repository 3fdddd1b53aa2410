"""Money, codes and events on pages."""

from decimal import Decimal

from django import template
from django.utils.formats import number_format
from django.utils.translation import pgettext

from trading import reasons, words
from trading.models import Order

register = template.Library()
register.filter("reason", reasons.reason)
register.filter("told", words.told)


@register.filter
def money(amount: Decimal | str | None) -> str:
    """`1234.5` as `1.234,50` or `1,234.50`."""
    return (
        "—" if amount in (None, "") else number_format(Decimal(amount or 0), 2, force_grouping=True)
    )


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
