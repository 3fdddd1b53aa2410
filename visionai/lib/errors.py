"""Refusals that a caller can act on, and faults in how the product was set up."""

from collections.abc import Sequence
from typing import ClassVar

from django.utils.functional import Promise

Text = str | Promise


class DomainError(Exception):
    """A refusal with facts that are safe to show.

    `status` is the HTTP status, `code` the stable name for programs, `title` the short sentence
    and `detail` the longer one for people, both translatable; `{name}` in `detail` is filled from
    the facts. `retry_after` (seconds) becomes the header `Retry-After`.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    title: ClassVar[Text] = "Bad request"
    detail: ClassVar[Text] = ""

    def __init__(self, *, retry_after: int | None = None, **facts: object) -> None:
        self.facts = facts
        self.retry_after = retry_after
        super().__init__(self.code)

    def sentence(self) -> str:
        """One sentence in the active language that names what happened and what to do next."""
        return str(self.detail or self.title).format(**self.facts)


class ConfigurationError(Exception):
    """The settings cannot be used; the message names every fault and its cure."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))
