"""`manage.py record_candles`: candles of the embedded broker as CSV, for backtests elsewhere."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from trading.brokers.registry import paper_market
from trading.core.candle_csv import SIZES, write_candles
from trading.core.prices import candles_of
from trading.lab_sources import FIRST, MOST_CANDLES, MOST_SECONDS


class Command(BaseCommand):
    help = "Write candles of the paper broker as CSV; the same start gives the same file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="where to write it; - is the output")
        parser.add_argument("--asset", default="EURUSD-OTC")
        parser.add_argument("--seconds", type=int, default=60, choices=SIZES)
        parser.add_argument("--count", type=int, default=5000)
        parser.add_argument("--start", help="ISO 8601 in UTC; without it the newest are written")

    def handle(self, *args: Any, **options: Any) -> None:
        listings, asset = paper_market().listings, options["asset"]
        if asset not in listings:
            raise CommandError(f"There is no asset {asset}; choose one of {', '.join(listings)}.")
        seconds, count = options["seconds"], options["count"]
        most = min(MOST_CANDLES, MOST_SECONDS // seconds)
        if not 1 <= count <= most:
            raise CommandError(f"--count lies between 1 and {most} for candles of this size.")
        newest = int(timezone.now().timestamp()) // seconds * seconds - count * seconds
        start = _start(options["start"], seconds) if options["start"] else newest
        if not FIRST <= start <= newest:
            raise CommandError("--start lies before 2020, or the candles would not have closed.")
        prices = listings[asset].prices
        candles = candles_of(prices, asset, seconds=seconds, start=start, count=count)
        text = write_candles(candles)
        if str(options["file"]) == "-":
            self.stdout.write(text, ending="")
            return
        try:
            options["file"].write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        self.stdout.write(f"{count} candles of {asset} are in {options['file']}.")


def _start(text: str, seconds: int) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError("--start is no time in ISO 8601, such as 2026-03-01T00:00.") from error
    found = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    return found - found % seconds
