"""What a `Sesion` should do, told once more without a database: the judge of random histories."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

IDLE = {"browser": timedelta(minutes=30), "api": timedelta(hours=24)}
ABSOLUTE = {"browser": timedelta(hours=12), "api": timedelta(hours=24)}
MARGIN = timedelta(seconds=5)

End = tuple[datetime, str]


@dataclass
class Facts:
    user: int
    kind: str
    start: datetime
    last: datetime  # activity that was acknowledged
    written: datetime  # the part of it that survives a crash
    end: End | None = None

    def limit(self) -> End:
        """When it ends by itself, and why."""
        idle, absolute = self.last + IDLE[self.kind], self.start + ABSOLUTE[self.kind]
        return (idle, "idle") if idle < absolute else (absolute, "absolute")

    def row_is_overdue(self, at: datetime) -> bool:
        return at >= min(self.written + IDLE[self.kind], self.start + ABSOLUTE[self.kind])


@dataclass
class Model:
    disabled: set[int] = field(default_factory=set)
    sessions: dict[int, Facts] = field(default_factory=dict)

    def start(self, sid: int, user: int, kind: str, at: datetime) -> None:
        self.sessions[sid] = Facts(user, kind, at, at, at)

    def is_open(self, sid: int, at: datetime) -> bool:
        """Whether a request in the session is served; an overdue one ends by asking."""
        one = self.sessions[sid]
        if one.end is None and one.row_is_overdue(at):
            self.end_by_limit(sid, at)
        if one.end is None and one.user in self.disabled:
            self.end(sid, "revoked_by_staff", at)
        return one.end is None

    def act(self, sid: int, at: datetime) -> None:
        self.sessions[sid].last = max(self.sessions[sid].last, at)

    def end_by_limit(self, sid: int, at: datetime) -> bool:
        one = self.sessions[sid]
        one.written = one.last
        if one.end is None and at >= one.limit()[0]:
            one.end = one.limit()
            return True
        return False

    def end(self, sid: int, reason: str, at: datetime) -> bool:
        """Whether it ended for that reason, rather than before."""
        one = self.sessions[sid]
        if one.end is not None or self.end_by_limit(sid, at):
            return False
        one.end = (max(at, one.last), reason)
        return True

    def open_of(self, user: int) -> list[int]:
        return [sid for sid, one in self.sessions.items() if one.user == user and one.end is None]

    def end_all(self, user: int, reason: str, at: datetime, keep: int | None) -> int:
        return sum(self.end(sid, reason, at) for sid in self.open_of(user) if sid != keep)

    def flush(self) -> None:
        for one in self.sessions.values():
            if one.end is None:
                one.written = one.last

    def crash(self) -> None:
        for one in self.sessions.values():
            one.last = one.written

    def sweep(self, at: datetime) -> int:
        self.flush()
        still = [sid for sid, one in self.sessions.items() if one.end is None]
        ended = sum(self.end_by_limit(sid, at - MARGIN) for sid in still)
        for user in sorted(self.disabled):
            ended += self.end_all(user, "revoked_by_staff", at, None)
        return ended
