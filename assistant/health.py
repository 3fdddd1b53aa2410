"""How the assistant's providers are: for the status, and for staff."""

import time
from dataclasses import dataclass
from typing import Any, Literal

from asgiref.sync import async_to_sync

from assistant.providers.configured import EMBEDDED, Capability, guard_for, outside, space
from assistant.providers.guard import Guard
from visionai.lib.breaker import Phase


class Resting(Exception):
    """A provider is left alone; others stand in for it. The text is for staff."""


@dataclass(frozen=True)
class FarSide:
    """A configured provider for one capability, and its breaker."""

    capability: Capability | Literal["letters"]
    engine: str
    model: str
    guard: Guard

    @property
    def name(self) -> str:
        return f"{self.capability}.{self.engine}"

    def phase(self) -> tuple[Phase, float]:
        """Its phase, and the seconds until it is asked again."""
        now = time.time()
        state = self.guard.breaker.state()
        return state.phase(now), state.wait_s(now)

    def told(self) -> str:
        """In a few words. Raises `Resting`."""
        phase, wait_s = self.phase()
        words = f"{self.engine} {self.model}: {phase}"
        if phase == "open":
            words += f", asked again in {wait_s:.0f} s"
        if phase != "closed":
            raise Resting(words)
        return words

    def close(self) -> None:
        """Ask it again at once."""
        async_to_sync(self.guard.breaker.reset)()


def far_sides() -> list[FarSide]:
    found = [_far_side(capability, provider) for capability, provider in outside()]
    reader = space()
    return found if reader is None else [*found, _far_side("letters", reader)]


def capability(name: Capability) -> str:
    """Who answers, first to last. Raises `Resting` while one of them is left alone."""
    told, resting = [], False
    for one in far_sides():
        if one.capability != name:
            continue
        try:
            told.append(one.told())
        except Resting as rest:
            told.append(str(rest))
            resting = True
    sentence = "; ".join([*told, EMBEDDED])
    if resting:
        raise Resting(sentence)
    return sentence


def _far_side(capability: Capability | Literal["letters"], provider: Any) -> FarSide:
    return FarSide(capability, provider.name, provider.model, guard_for(capability, provider))
