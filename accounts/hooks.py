"""What accounts must reach in apps that it does not know; `visionai/hooks.py` fills the lists."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Model

from accounts.models import User

Rows = Iterable[Mapping[str, object]]

# For the export of all data: the name of a part and its rows, ready for JSON but for times.
export_all: list[Callable[[User], tuple[str, Rows]]] = []

# Before an account is erased, in the same transaction: end or remove what is theirs.
erase: list[Callable[[User], None]] = []

# After an account was switched off, in the same transaction.
disabled: list[Callable[[User], None]] = []


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A nullable binary column that holds what `sealing.seal` gave."""

    model: type[Model]
    field: str


# What a change of keys re-wraps.
sealed: list[SealedColumn] = []
