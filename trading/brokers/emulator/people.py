"""Who has an account at the emulator."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

PASSWORD = "emulator-password-1"  # noqa: S105 (of accounts that exist on this machine alone)
SMS_CODE = "123456"
PRACTICE, REAL = 4, 1
FIRST_ID = 1001


@dataclass
class Balance:
    number: int
    user_id: int
    kind: int  # 4 is PRACTICE, 1 is REAL
    amount: Decimal
    currency: str
    changes: int = 0

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "user_id": self.user_id,
            "type": self.kind,
            "amount": float(self.amount),
            "bonus_amount": 0,
            "currency": self.currency,
            "is_fiat": True,
            "is_marginal": False,
        }


@dataclass
class Person:
    user_id: int
    email: str
    balances: list[Balance]
    factor: str | None = None  # "sms" or "push"
    is_locked: bool = False
    digital_only: bool = False
    logins: int = 0

    def balance(self, number: object) -> Balance | None:
        return next((one for one in self.balances if one.number == number), None)


# e-mail → what is special about it; `load7@test` and its like are made when they first log in.
SPECIAL: dict[str, dict[str, Any]] = {
    "ok@test": {},
    "rich@test": {"real": Decimal(500)},
    "twofa@test": {"factor": "sms"},
    "push@test": {"factor": "push"},
    "locked@test": {"is_locked": True},
    "restricted@test": {"digital_only": True},
    "twice@test": {"reals": 2},
}
MADE = re.compile(r"load\d{1,6}@test")


@dataclass
class People:
    by_email: dict[str, Person] = field(default_factory=dict)
    by_id: dict[int, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for email, special in SPECIAL.items():
            self._add(email, **special)

    def find(self, email: object) -> Person | None:
        if not isinstance(email, str):
            return None
        if email not in self.by_email and MADE.fullmatch(email):
            self._add(email)
        return self.by_email.get(email)

    def _add(
        self, email: str, *, real: Decimal = Decimal(0), reals: int = 1, **special: Any
    ) -> None:
        number = FIRST_ID + len(self.by_id)
        base = 501 + 10 * len(self.by_id)
        balances = [Balance(base, number, PRACTICE, Decimal("10000.00"), "USD")]
        balances += [
            Balance(base + 1 + one, number, REAL, real, "USD" if one == 0 else "EUR")
            for one in range(reals)
        ]
        person = Person(number, email, balances, **special)
        self.by_email[email] = person
        self.by_id[number] = person
