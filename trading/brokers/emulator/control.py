"""How tests make things go wrong, move the clock and count orders."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trading.brokers.emulator.server import Emulator


class Control:
    """The same from inside the process and over HTTP (`do`)."""

    def __init__(self, emulator: "Emulator") -> None:
        self._emulator = emulator

    def do(self, asked: dict[str, Any]) -> Any:
        """`{"do": name, …arguments}`; the answer of that method."""
        name = asked.pop("do", "")
        if name not in {"set", "drop", "revoke", "forgive", "advance", "orders", "state"}:
            return {"error": f"there is no {name}"}
        return getattr(self, name)(**asked)

    def set(self, **faults: Any) -> None:
        """Switch faults; the others stay as they are."""
        self._emulator.faults.set(**faults)

    def drop(self, email: str | None = None) -> None:
        """Cut the connections of one account, or all, now."""
        person = self._emulator.people.find(email) if email else None
        self._emulator.drop(person.user_id if person else None)

    def revoke(self, email: str) -> None:
        """The account's tokens are no longer good, and its connections hear so and end."""
        logins = self._emulator.logins
        for ssid, person in list(logins.ssids.items()):
            if person.email == email:
                del logins.ssids[ssid]
                for session in list(self._emulator.sessions.get(person.user_id, ())):
                    session.send({"name": "authenticated", "msg": False})

    def forgive(self) -> None:
        """Forget failed logins."""
        self._emulator.logins.forgive()

    def advance(self, seconds: float) -> float:
        """Let time pass at once; the new time."""
        self._emulator.clock.jump(seconds)
        self._emulator.tick()
        return self._emulator.now()

    def orders(self) -> list[dict[str, Any]]:
        """Every order that took effect, as the emulator's own book has it."""
        return [one.told() for one in self._emulator.desk.ledger.entries]

    def state(self) -> dict[str, Any]:
        sessions = [one for those in self._emulator.sessions.values() for one in those]
        return {
            "now": self._emulator.now(),
            "sessions": len(sessions),
            "asked": self._emulator.desk.ledger.asked,
            "logins": self._emulator.logins.attempts,
            "leaks": list(self._emulator.leaks),
            "frames": self._emulator.frames,
            "heartbeats_sent": sum(one.heartbeats_sent for one in sessions),
            "heartbeats_answered": sum(one.heartbeats_answered for one in sessions),
            "balances": {
                person.email: {str(one.kind): str(one.amount) for one in person.balances}
                for person in self._emulator.people.by_email.values()
            },
        }
