"""Numbers in the active language's way."""

from decimal import Decimal

from django.utils.formats import number_format

NOTHING = "—"


def whole(number: float | None) -> str:
    """2585003 as `2 585 003` or `2,585,003`."""
    return NOTHING if number is None else str(number_format(number, 0, force_grouping=True))


def money(amount: Decimal | str | None) -> str:
    """1234.5 as `1 234,50` or `1,234.50`."""
    if amount is None or amount == "":
        return NOTHING
    return str(number_format(Decimal(amount), 2, force_grouping=True))
