"""Which state of a session or of an order may follow which; any other move is a fault of ours."""

from collections.abc import Mapping
from typing import Final

SESSION: Final[Mapping[str, frozenset[str]]] = {
    "connecting": frozenset(
        {"verifying", "connected", "reconnecting", "closing", "disconnected", "failed"}
    ),
    "verifying": frozenset({"connecting", "connected", "disconnected", "failed"}),
    "connected": frozenset({"reconnecting", "closing", "disconnected", "failed"}),
    "reconnecting": frozenset({"connected", "verifying", "closing", "disconnected", "failed"}),
    "closing": frozenset({"disconnected"}),
    "disconnected": frozenset({"connecting"}),
    "failed": frozenset({"connecting", "disconnected"}),
}
ORDER: Final[Mapping[str, frozenset[str]]] = {
    "pending": frozenset({"sent", "not_placed"}),
    "sent": frozenset({"open", "settled", "rejected", "unknown"}),
    "open": frozenset({"settled"}),
    # Looked for until it is found, or until nobody can place it any more.
    "unknown": frozenset({"open", "settled", "not_placed"}),
    "settled": frozenset(),
    "rejected": frozenset(),
    "not_placed": frozenset(),
}
ORDER_ENDS: Final = frozenset(state for state, after in ORDER.items() if not after)


class IllegalMove(Exception):
    """A state that cannot follow."""

    def __init__(self, what: str, before: str, after: str) -> None:
        super().__init__(f"{what}: {before} cannot become {after}")


def session_move(before: str, after: str) -> str:
    """`after`, where a session may go there or is there. Raises `IllegalMove`."""
    return _move("session", SESSION, before, after)


def order_move(before: str, after: str) -> str:
    """`after`, where an order may go there. Raises `IllegalMove`, also for no move at all.

    An order that is sent twice, or settled twice, must be seen.
    """
    if before == after:
        raise IllegalMove("order", before, after)
    return _move("order", ORDER, before, after)


def _move(what: str, moves: Mapping[str, frozenset[str]], before: str, after: str) -> str:
    if before not in moves or after not in moves:
        raise IllegalMove(what, before, after)
    if before != after and after not in moves[before]:
        raise IllegalMove(what, before, after)
    return after
