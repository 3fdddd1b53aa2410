"""A Space with one function, as gradio_client meets it: a picture in, a label out.

The protocol is gradio 5's (sse_v3): config, info, upload, queue/join, queue/data, heartbeat.
"""

import json
from typing import Any

from tests.services.far_server import Exchange
from tests.services.openai_server import Behaviour, OpenAIServer

API = "/gradio_api"
LABEL = {
    "label": "L",
    "confidences": [{"label": "L", "confidence": 0.91}, {"label": "D", "confidence": 0.06}],
}
COMPONENT = {"type": "string"}


class GradioServer(OpenAIServer):
    """The switches are `OpenAIServer`'s: status, hang, body, delay_s, for `paths` alone."""

    def __init__(self) -> None:
        super().__init__()
        self.said: Any = LABEL
        self.api_name = "predict"
        self.uploaded: list[bytes] = []

    async def other(self, exchange: Exchange, now: Behaviour) -> bool:
        path = exchange.path
        if path == "/config":
            await exchange.answer(self._config())
        elif path == f"{API}/info":
            await exchange.answer(self._info())
        elif path == f"{API}/upload":
            self.uploaded.append(exchange.body)
            await exchange.answer(["/tmp/gradio/hand.jpg"])
        elif path == f"{API}/queue/join":
            await exchange.answer({"event_id": "e1"})
        elif path == f"{API}/queue/data":
            await exchange.pause(now.delay_s)
            await self._result(exchange)
        elif path.startswith(f"{API}/heartbeat") or path == f"{API}/cancel":
            await exchange.answer({})
        else:
            return False
        return True

    async def _result(self, exchange: Exchange) -> None:
        await exchange.begin()
        done = {"msg": "process_completed", "event_id": "e1", "success": True}
        if self.said is None:
            done |= {"success": False, "output": {"error": "canary went wrong"}}
        else:
            done |= {"output": {"data": [self.said], "is_generating": False}}
        await exchange.chunk(f"data: {json.dumps(done)}\n\n")
        await exchange.chunk('data: {"msg": "close_stream"}\n\n')
        await exchange.end()

    def _config(self) -> dict[str, Any]:
        function = {
            "id": 0,
            "api_name": self.api_name,
            "inputs": [1],
            "outputs": [2],
            "backend_fn": True,
            "cancels": [],
            "queue": True,
            "api_visibility": "public",
        }
        picture = {"id": 1, "type": "image", "props": {}, "skip_api": False}
        label = {"id": 2, "type": "label", "props": {}, "skip_api": False}
        return {
            "version": "5.49.0",
            "protocol": "sse_v3",
            "api_prefix": API,
            "components": [picture, label],
            "dependencies": [function],
            "connect_heartbeat": False,
        }

    def _info(self) -> dict[str, Any]:
        image = {
            "label": "image",
            "parameter_name": "image",
            "parameter_has_default": False,
            "type": COMPONENT,
            "python_type": {"type": "filepath", "description": ""},
            "component": "Image",
        }
        label = {"label": "letter", "type": COMPONENT, "component": "Label"}
        entrance = {"parameters": [image], "returns": [label], "api_visibility": "public"}
        return {"named_endpoints": {f"/{self.api_name}": entrance}, "unnamed_endpoints": {}}
