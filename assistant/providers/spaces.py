"""Spaces of Hugging Face through gradio_client, among them the original's for signed letters.

Its library blocks, keeps threads and would report to its makers: it runs in a thread of ours, with
limits, and with all of that turned off.
"""

import asyncio
import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Final

from django.conf import settings

from assistant.providers.base import ProviderBusy, ProviderFault, ProviderTimeout

MOST_GUESSES: Final = 3
NOWHERE: Final = "http://127.0.0.1:9/"
LETTER: Final = re.compile(r"(?<![A-Za-z])([A-Za-z])(?![A-Za-z])")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LetterSpace:
    """Reads the letter of a hand. `model` is the Space's address or its name."""

    model: str
    name: ClassVar[str] = "space"

    async def letters(self, picture: bytes) -> list[tuple[str, float]]:
        """Letters with their confidence (0 to 1), the likeliest first."""
        limit = float(settings.CHAT_DEADLINE_S)
        answer = await asyncio.to_thread(self._predict, picture, limit)
        return letters_in(answer)

    def _predict(self, picture: bytes, limit: float) -> Any:
        with _told():
            gradio = import_module("gradio_client")
            # An old Space would have it ask a third server what the functions are.
            import_module("gradio_client.utils").SPACE_FETCHER_URL = NOWHERE  # type: ignore[attr-defined]
            import_module("huggingface_hub.constants").HF_HUB_DISABLE_TELEMETRY = True  # type: ignore[attr-defined]
            client = gradio.Client(
                self.model,
                token=False,  # the Space's owner is shown no token of ours, nor of this machine
                verbose=False,
                max_workers=1,
                download_files=False,  # what a Space offers is not fetched to this machine
                analytics_enabled=False,
                httpx_kwargs={"timeout": limit},
            )
            try:
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "hand.jpg"
                    path.write_bytes(picture)
                    job = client.submit(gradio.handle_file(str(path)), api_name=_entrance(client))
                    return job.result(timeout=limit)
            finally:
                client.close()
                for pool in (client.executor, client.helper_executor, client.stream_executor):
                    pool.shutdown(wait=False, cancel_futures=True)


def letters_in(answer: Any) -> list[tuple[str, float]]:
    """What a Space's answer says: a label with confidences, or a text. Raises `ProviderFault`."""
    if isinstance(answer, list | tuple) and answer and not isinstance(answer[0], int | float):
        first, *rest = answer
        if isinstance(first, str) and rest and isinstance(rest[0], int | float):
            return _sure([(first, _share(rest[0]))])
        return letters_in(first)
    if isinstance(answer, dict):
        listed = answer.get("confidences")
        if isinstance(listed, list) and listed:
            pairs = [(one.get("label"), one.get("confidence")) for one in listed]
            return _sure([(str(label), _share(sure)) for label, sure in pairs])
        label = answer.get("label", answer.get("prediction", answer.get("letter")))
        return _sure([(str(label), _share(answer.get("confidence", 1.0)))])
    if isinstance(answer, str) and (found := LETTER.search(answer)):
        return _sure([(found[1], 1.0)])
    raise ProviderFault(engine=LetterSpace.name)


def _sure(pairs: list[tuple[str, float]]) -> list[tuple[str, float]]:
    letters = [
        (label.strip().upper(), sure)
        for label, sure in pairs
        if len(label.strip()) == 1 and "A" <= label.strip().upper() <= "Z"
    ]
    if not letters:
        raise ProviderFault(engine=LetterSpace.name)
    return sorted(letters, key=lambda pair: -pair[1])[:MOST_GUESSES]


def _share(sure: Any) -> float:
    """0 to 1, of a share or of a percentage."""
    value = float(sure)
    return min(1.0, max(0.0, value / 100 if value > 1 else value))


def _entrance(client: Any) -> str:
    """`/predict`, which is what gradio calls it by itself, else the first that is public."""
    names = [
        one.api_name
        for one in client.endpoints.values()
        if one.is_valid and isinstance(one.api_name, str) and one.api_visibility == "public"
    ]
    if not names:
        raise ProviderFault(engine=LetterSpace.name)
    return "/predict" if "/predict" in names else str(names[0])


@contextmanager
def _told() -> Iterator[None]:
    """Every failure of the library as one of ours, without what the Space said."""
    try:
        yield
    except ProviderFault:
        raise
    except TimeoutError:  # of concurrent.futures, too
        raise ProviderTimeout(engine=LetterSpace.name) from None
    except Exception as error:  # noqa: BLE001 (the library raises whatever the Space wrote)
        name = type(error).__name__
        log.warning("space: %s", name)
        if "Timeout" in name:
            raise ProviderTimeout(engine=LetterSpace.name) from None
        if name in {"TooManyRequestsError", "QueueError"}:
            raise ProviderBusy(engine=LetterSpace.name) from None
        raise ProviderFault(engine=LetterSpace.name) from None
