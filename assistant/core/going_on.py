"""An answer that was cut and goes on: what a provider says again is left out."""

SURE = 16  # characters from which the same beginning is no coincidence


class GoingOn:
    """Takes the deltas of an answer that follows `said`, gives those that are new.

    Some servers go on after the last turn, others begin again. While what comes could be the
    beginning of `said` it is kept back: either it becomes all of `said` and is dropped, or it
    turns out to be different and is given whole.
    """

    def __init__(self, said: str) -> None:
        self._said = said.lstrip()
        self._held = ""
        self._through = not self._said

    def feed(self, text: str) -> str:
        """What may be shown now."""
        if self._through:
            return text
        self._held += text
        came = self._held.lstrip()
        if self._said.startswith(came) and came != self._said:
            return ""
        self._through = True
        if came.startswith(self._said):
            return came[len(self._said) :]
        return self._held

    def finish(self) -> str:
        """What is left when the provider has ended."""
        if self._through or len(self._held.lstrip()) >= SURE:
            return ""
        return self._held
