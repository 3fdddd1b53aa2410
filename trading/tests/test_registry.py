from pathlib import Path

import pytest
from django.test import override_settings

from trading.brokers.paper import PaperConnector
from trading.brokers.registry import canonical, connector, paper_market


def test_a_broker_is_found_by_its_names() -> None:
    assert isinstance(connector("paper", account="a"), PaperConnector)
    assert canonical("iq") == "iqoption"
    with pytest.raises(KeyError):
        connector("bank")


def test_recorded_prices_take_the_place_of_the_walk(tmp_path: Path) -> None:
    (tmp_path / "GOLD.csv").write_text("second,price\n1,2.5\n2,3.5\n", encoding="utf-8")
    paper_market.cache_clear()
    with override_settings(PAPER_PRICES=tmp_path):
        market = paper_market()
    paper_market.cache_clear()
    assert list(market.listings) == ["GOLD"]
    assert market.listings["GOLD"].prices.at(3) == 3.5
