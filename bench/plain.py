"""What the product is measured against: a Channels consumer as one would write it first."""

import io
import os
from typing import Any, cast

import numpy as np
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
model: Any = keras.models.load_model(os.environ["PLAIN_MODEL"], compile=False)


def look(data: bytes) -> dict[str, object]:
    picture = Image.open(io.BytesIO(data)).convert("RGB").resize((96, 96))
    found = model.predict(np.asarray(picture, dtype="float32")[None], verbose=0)[0]
    best = int(found.argmax())
    return {"type": "prediction", "emotion_name": EMOTIONS[best], "confidence": float(found[best])}


class PlainConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        await self.accept()
        await self.send_json({"type": "connection"})

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any
    ) -> None:
        await self.send_json(await sync_to_async(look)(bytes_data or b""))


routes: list[Any] = [re_path(r"", cast("Any", PlainConsumer.as_asgi()))]
application = ProtocolTypeRouter({"websocket": URLRouter(routes)})
