"""The site's own rules on questions and answers, read once from the operator's file or ours."""

import asyncio
import logging
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from assistant.core.filters import Filters, Scan, first_match, read_filters
from assistant.core.patterns import BadPattern
from assistant.providers.base import Ask, Filtered
from visionai.lib.console import say
from visionai.lib.errors import ConfigurationError

SHIPPED = Path(__file__).with_name("filters.txt")
log = logging.getLogger(__name__)


class AnswerFiltered(Filtered):
    """The same code: the rule held back what was about to be answered."""

    title = _("The rest of this answer is held back")
    detail = _("A safety rule of this site holds the rest of the answer back; ask in another way.")


def rules() -> Filters:
    """Raises `ConfigurationError` that names the line which cannot be read."""
    return _read(settings.ASSISTANT_FILTERS_FILE or SHIPPED)


@lru_cache(maxsize=8)
def _read(path: Path) -> Filters:
    try:
        return read_filters(path.read_text(encoding="utf-8").splitlines())
    except BadPattern as bad:
        where = say("line {line} of {path}: {why}", line=bad.line, path=path, why=bad.why)
    except (OSError, UnicodeDecodeError) as error:
        where = say("{path} cannot be read: {why}", path=path, why=type(error).__name__)
    raise ConfigurationError([f"ASSISTANT_FILTERS_FILE: {where}"])


async def check_question(ask: Ask) -> None:
    """Raises `Filtered` for what the newest question, or a text file beside it, contains."""
    newest = next((turn for turn in reversed(ask.turns) if turn.role == "user"), None)
    if newest is None:
        return
    files = (one for one in newest.attachments if not one.media_type.startswith("image/"))
    texts = [newest.text, *(one.data.decode("utf-8", "replace") for one in files)]
    # A text file of hundreds of thousands of characters takes a while: not on the event loop.
    if found := await asyncio.to_thread(first_match, rules().asked, texts):
        log.info("a question was held back by the rule %s", found)
        raise Filtered


class AnswerScan:
    """Lets an answer through as far as no rule can still hold it back."""

    def __init__(self, said: str) -> None:
        self._scan = Scan(rules().answered)
        self._scan.feed(said)
        self._scan.finish()

    def feed(self, text: str) -> str:
        """Raises `AnswerFiltered`."""
        given = self._scan.feed(text)
        self._check()
        return given

    def finish(self) -> str:
        """Raises `AnswerFiltered`."""
        given = self._scan.finish()
        self._check()
        return given

    def _check(self) -> None:
        if self._scan.hit:
            log.info("an answer was held back by the rule %s", self._scan.hit)
            raise AnswerFiltered
