from decimal import Decimal

import pytest
from django.utils.translation import override

from visionai.lib.amounts import money, whole


@pytest.mark.parametrize(
    ("language", "amount", "shown"),
    [
        ("es", Decimal("1234.5"), "1\xa0234,50"),
        ("en", Decimal("1234.5"), "1,234.50"),
        ("es", "-0.5", "-0,50"),
        ("es", "0", "0,00"),
        ("es", "", "—"),
        ("en", None, "—"),
    ],
)
def test_money_has_two_decimals_in_the_language_s_way(
    language: str, amount: Decimal | str | None, shown: str
) -> None:
    with override(language):
        assert money(amount) == shown


def test_whole_numbers_are_grouped() -> None:
    with override("es"):
        assert (whole(2585003), whole(7), whole(None)) == ("2\xa0585\xa0003", "7", "—")
