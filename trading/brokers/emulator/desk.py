"""Where orders are taken and settled."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trading.brokers.emulator.faults import Faults
from trading.brokers.emulator.ledger import CENT, Entry, Ledger, position_id
from trading.brokers.emulator.market import (
    BLITZ,
    BLITZ_SIZES,
    DIGITAL_ASK,
    DIGITAL_DEAD_TIME,
    KINDS,
    LEAST,
    MOST,
    Active,
    Market,
)
from trading.brokers.emulator.people import PRACTICE, Balance, Person

OPTION_BASE: Final = 10_000_000_000
REFILLED: Final = Decimal("10000.00")
SALE: Final = Decimal("0.5")  # of the stake comes back at an early sale
LOCALISED: Final = {
    4119: "No se puede comprar la opción (el activo está suspendido)",
    4117: "Fondos insuficientes para esta transacción.",
}
SUSPENDED = "Cannot purchase an option (active is suspended)"
UNAVAILABLE = "Cannot purchase an option (the asset is not available at the moment)."
LATE = "Time for purchasing options is over, please try again later."
FUNDS = "Insufficient funds for this transaction."
RISKS = "active_suspended: rejected by risks"
SCHEMA = '{"part":"DATA","level":"INVALID_SCHEMA"}'


@dataclass(eq=False)
class Refusal(Exception):
    status: int
    text: str


class Desk:
    """`tell_position` and `tell_balance` hear of every change, `tell_order` of digital verdicts."""

    def __init__(
        self,
        seed: int,
        market: Market,
        faults: Faults,
        *,
        tell_position: Callable[[Entry], None],
        tell_balance: Callable[[Balance], None],
        tell_order: Callable[[Entry | None, Person, int, str], None],
    ) -> None:
        self._seed, self._market, self._faults = seed, market, faults
        self._tell_position, self._tell_balance = tell_position, tell_balance
        self._tell_order = tell_order
        self._balances: dict[int, Balance] = {}
        self._digital_orders = 0
        self.ledger = Ledger()

    # Binary, turbo, blitz

    def open_option(
        self, person: Person, body: dict[str, Any], now: float, request_id: str
    ) -> Entry:
        """Raises `Refusal`."""
        self.ledger.asked += 1
        kind = body.get("option_type_id")
        active = self._market.actives.get(body.get("active_id", 0))
        direction, stake = body.get("direction"), _amount(body.get("price"))
        if kind not in KINDS or direction not in {"call", "put"} or stake is None:
            raise self._refuse(4000, SCHEMA)
        self._refuse_by_fault(person)
        if active is None or kind not in active.kinds or person.digital_only:
            raise self._refuse(4100, UNAVAILABLE)
        if active.is_suspended:
            raise self._refuse(4119, SUSPENDED)
        expiry = self._expiry(active, kind, body, now)
        balance = self._balance(person, body.get("user_balance_id"), stake)
        payout = Decimal(100 - self._market.commission(active.number, now)) / 100
        return self._take(
            person, balance, active, KINDS[kind], direction, stake, payout, expiry, now, request_id
        )

    def _refuse_by_fault(self, person: Person) -> None:
        if self._faults.take("suspend", person.email):
            raise self._refuse(4119, SUSPENDED)
        if self._faults.take("reject_by_risk", person.email):
            raise self._refuse(4112, RISKS)

    def _expiry(self, active: Active, kind: int, body: dict[str, Any], now: float) -> int:
        if not any(start <= now < end for start, end in self._market.schedule(active, now)):
            raise self._refuse(4100, UNAVAILABLE)
        if kind == BLITZ:
            size = body.get("expiration_size")
            if size not in BLITZ_SIZES or body.get("expired") != 0:
                raise self._refuse(4000, SCHEMA)
            return int(now) + int(size)
        expired = body.get("expired")
        if not isinstance(expired, int) or not self._market.sells(active, kind, expired, now):
            raise self._refuse(4105, LATE)
        return expired

    def _balance(self, person: Person, number: object, stake: Decimal) -> Balance:
        balance = person.balance(number)
        if balance is None:
            raise self._refuse(4001, "There is no such balance.")
        if not LEAST <= stake <= MOST:
            raise self._refuse(4003, "The amount is out of range.")
        if balance.amount < stake:
            raise self._refuse(4117, FUNDS)
        return balance

    def _refuse(self, status: int, text: str) -> Refusal:
        if self._faults.localised:
            text = LOCALISED.get(status, "No disponible.")
        return Refusal(status, text)

    def _take(
        self,
        person: Person,
        balance: Balance,
        active: Active,
        kind: str,
        direction: str,
        stake: Decimal,
        payout: Decimal,
        expiry: int,
        now: float,
        request_id: str,
    ) -> Entry:
        number = self.ledger.next_number(OPTION_BASE)
        # The position of a digital order has a number of its own.
        external = number + 5_000_000_000 if kind == "digital" else number
        entry = self.ledger.add(
            Entry(
                number=number,
                user_id=person.user_id,
                email=person.email,
                balance_id=balance.number,
                active_id=active.number,
                kind=kind,
                direction=direction,
                stake=stake,
                payout=payout,
                opened_ms=int(now * 1000),
                expires=expiry,
                open_quote=active.prices.at(int(now)),
                request_id=request_id,
                position_id=position_id(self._seed, number),
                external_id=external,
                is_tied=self._faults.take("force_equal", person.email),
            )
        )
        self._balances[entry.number] = balance
        self._change(balance, -stake)
        return entry

    def announce(self, entry: Entry) -> None:
        """Tell of a position that was opened."""
        self._tell_position(entry)

    # Digital

    def place_digital(
        self, person: Person, body: dict[str, Any], now: float, request_id: str
    ) -> tuple[int, Callable[[], None]]:
        """(the order's number, what happens to it next)."""
        self.ledger.asked += 1
        active = self._market.actives.get(body.get("asset_id", 0))
        stake, symbol = body.get("amount"), body.get("instrument_id")
        if active is None or not isinstance(stake, str) or (amount := _amount(stake)) is None:
            raise self._refuse(4000, SCHEMA)
        rows = self._market.instruments(active.number, now)["instruments"]
        found = [
            (row, one)
            for row in rows
            for one in row["data"]
            if one["symbol"] == symbol and row["index"] == body.get("instrument_index")
        ]
        if not found or found[0][0]["expiration"] - DIGITAL_DEAD_TIME <= now:
            raise self._refuse(4105, LATE)
        row, one = found[0]
        balance = person.balance(body.get("user_balance_id"))
        if balance is None:
            raise self._refuse(4001, "There is no such balance.")
        if balance.amount < amount:
            return self._reject_digital(person)
        payout = (100 / Decimal(str(DIGITAL_ASK)) - 1).quantize(Decimal("0.0001"))
        entry = self._take(
            person,
            balance,
            active,
            "digital",
            one["direction"],
            amount,
            payout,
            row["expiration"],
            now,
            request_id,
        )

        def fill() -> None:
            self._tell_order(entry, person, entry.number, "filled")
            self.announce(entry)

        return entry.number, fill

    def _reject_digital(self, person: Person) -> tuple[int, Callable[[], None]]:
        self._digital_orders += 1
        number = OPTION_BASE * 2 + self._digital_orders
        return number, lambda: self._tell_order(None, person, number, "rejected")

    # Afterwards

    def settle(self, now: float) -> None:
        """All whose time has come, each at the price of its own second."""
        for entry in [one for one in self.ledger.running.values() if one.expires <= now]:
            prices = self._market.actives[entry.active_id].prices
            entry.settle(prices.at(entry.expires), entry.expires * 1000)
            self._close(entry)

    def sell(self, person: Person, number: object, now: float) -> None:
        """An early sale; nothing where it cannot be."""
        entry = next(
            (
                one
                for one in self.ledger.running.values()
                if one.user_id == person.user_id and number in {one.number, one.external_id}
            ),
            None,
        )
        if entry is None or entry.kind == "blitz" or entry.expires - 30 <= now:
            return
        prices = self._market.actives[entry.active_id].prices
        back = (entry.stake * SALE).quantize(CENT)
        entry.end("sold", back, prices.at(int(now)), int(now * 1000))
        self._close(entry)

    def _close(self, entry: Entry) -> None:
        del self.ledger.running[entry.number]
        assert entry.returned is not None
        self._change(self._balances[entry.number], entry.returned)
        self._tell_position(entry)

    def refill(self, person: Person, number: object) -> None:
        """Raises `Refusal` for what is no PRACTICE balance of this person."""
        balance = person.balance(number)
        if balance is None or balance.kind != PRACTICE:
            raise self._refuse(4001, "Only a training balance is reset.")
        self._change(balance, REFILLED - balance.amount)

    def _change(self, balance: Balance, by: Decimal) -> None:
        balance.amount += by
        balance.changes += 1
        self._tell_balance(balance)


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() and number > 0 else None
