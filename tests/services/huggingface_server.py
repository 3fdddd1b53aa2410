"""A server that speaks Hugging Face's inference API; chat and the switches are `OpenAIServer`'s.

A model is told by its name: detect, caption, hear, speak.
"""

import json
from typing import Any

from tests.services.far_server import Exchange
from tests.services.openai_server import Behaviour, OpenAIServer, tone

DOG = {"label": "dog", "score": 0.97, "box": {"xmin": 10, "ymin": 20, "xmax": 110, "ymax": 220}}
SHADE = {"label": "cat", "score": 0.12, "box": {"xmin": 0, "ymin": 0, "xmax": 9, "ymax": 9}}


class HuggingFaceServer(OpenAIServer):
    """Everything is below `url`."""

    def __init__(self, *, key: str = "") -> None:
        super().__init__(key=key)
        self.said: dict[str, Any] = {
            "detect": [SHADE, DOG],
            "caption": [{"generated_text": "a dog on a lawn"}],
            "hear": {"text": " hola mundo"},
            "speak": tone(),
        }

    async def other(self, exchange: Exchange, now: Behaviour) -> bool:
        if not exchange.path.startswith("/hf-inference/models/"):
            return False
        answer = self.said[exchange.path.rsplit("/", 1)[1].split("-")[0]]
        await exchange.pause(now.delay_s)
        if isinstance(answer, bytes):
            await exchange.answer(answer, content_type="audio/wav")
        else:
            await exchange.answer(json.dumps(answer))
        return True
