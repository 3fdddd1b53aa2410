"""A figure beside its goal."""

from dataclasses import dataclass
from typing import Final

HEAD: Final = f"\n{'':4} {'found':>12}    {'goal':>12}"


@dataclass(frozen=True)
class Figure:
    """One that was measured; `at_least` says on which side of the goal it should lie."""

    name: str
    found: float
    goal: float
    unit: str
    at_least: bool

    @property
    def met(self) -> bool:
        return self.found >= self.goal if self.at_least else self.found <= self.goal

    def told(self) -> str:
        """A line of the table."""
        sign = ">=" if self.at_least else "<="
        met = "ok" if self.met else "MISS"
        return (
            f"{met:4} {self.found:>8.2f} {self.unit:3} {sign} {self.goal:>8.1f} {self.unit:3}"
            f" {self.name}"
        )
