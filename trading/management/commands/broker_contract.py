"""manage.py broker_contract: read-only checks of a live PRACTICE account."""

import asyncio
import getpass
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.brokers.base import Broker, BrokerError, Password, SecondFactor, Secret
from trading.brokers.live_contract import check
from trading.brokers.registry import connector
from trading.core.market import AccountType

PRACTICE = AccountType.PRACTICE


class Command(BaseCommand):
    help = (
        "Check a live PRACTICE account, reading only. The e-mail and the password come from"
        " BROKER_EMAIL and BROKER_PASSWORD, or are asked for; they are not kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("broker", choices=["exnova", "iqoption"])
        parser.add_argument("--asset", default="", help="to look at; any that is open otherwise")
        parser.add_argument("--seconds", type=float, default=20.0, help="to listen for")
        parser.add_argument(
            "--place-one-order", action="store_true", help="of the least stake, on PRACTICE"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        email = os.environ.get("BROKER_EMAIL") or input("e-mail: ")
        password = os.environ.get("BROKER_PASSWORD") or getpass.getpass("password: ")
        who = Password(email, Secret(password))
        try:
            bad = asyncio.run(self._check(who, options))
        except BrokerError as error:
            raise CommandError(f"{type(error).__name__} ({error.code})") from None
        if bad:
            raise CommandError(f"{bad} checks failed")

    async def _check(self, who: Password, options: dict[str, Any]) -> int:
        broker = await self._connect(options["broker"], who)
        bad = 0
        try:
            found = check(
                broker,
                asset=options["asset"],
                seconds=options["seconds"],
                place=options["place_one_order"],
            )
            async for one in found:
                bad += not one.is_good
                word = "ok    " if one.is_good else "FAILED"
                self.stdout.write(f"{word} {one.what} {one.details}".rstrip())
        finally:
            await broker.close(logout=True)
        return bad

    async def _connect(self, name: str, who: Password) -> Broker:
        maker = connector(name)
        try:
            return await maker.connect(who, account_type=PRACTICE)
        except SecondFactor as wanted:
            state = await maker.send_code(wanted.state, method="sms")
            code = await asyncio.to_thread(input, "code from the SMS: ")
            return await maker.answer(state, code.strip(), who, account_type=PRACTICE)
