"""The live camera and the original's socket: frames in, one answer for each.

Binary frames wait in a mailbox of one, where the newest wins. Requests of `/ws` are answered one
after another in the order in which they came; while four wait, no more are read.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import orjson
from channels.db import database_sync_to_async
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from predictions import consents, inference
from predictions.core.engine import INTERNAL, Engine
from predictions.core.images import STANDARD, BadImage, from_base64
from predictions.core.mailbox import Mailbox
from predictions.core.pace import Pace
from predictions.core.reading import Answer, Dropped, Failed, Prediction, Request, Stream
from predictions.events import (
    About,
    command_event,
    dropped_event,
    error_event,
    failed_event,
    prediction_event,
    welcome,
)
from predictions.health import health_body
from predictions.log_buffer import Ledger, LogFull, log_buffer
from predictions.models import EmotionClass
from predictions.refusals import ConsentRequired, check_anonymous
from predictions.services import Source, rows_of
from predictions.versions import active_version
from predictions.wire import emotions_body, model_body
from sessions_app.language import language_of_scope
from sessions_app.sockets import Identity, SessionSocket
from visionai.lib.errors import DomainError

log = logging.getLogger(__name__)

INTERNAL_ERROR = 1011
WAITING = 4  # requests of `/ws` before reading pauses
LONGEST_TEXT = 4 * (STANDARD.bytes // 3 + 1) + 4096


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture on its way. `id` is what a JSON request called itself, None where it did not."""

    number: int
    data: bytes
    received_at: float
    identity: Identity
    id: object = None


class FrameSocket(SessionSocket):
    """What both sockets share: numbering, the mailbox, the answers and their log."""

    _engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self._frames = 0
        self._ledger = Ledger()
        self._stream = Stream()
        self._mailbox: Mailbox[Frame] = Mailbox()
        self._pace = Pace(settings.ENV.socket_frames_per_second)
        self._finishing: set[asyncio.Task[None]] = set()
        self._language = settings.LANGUAGE_CODE
        self.client_id = f"chat_{secrets.token_hex(4)}"

    async def opened(self) -> None:
        self._language = language_of_scope(self.scope)
        running = inference.running_engine()
        self._engine = running or await database_sync_to_async(inference.engine)()
        with override(self._language):
            hello = welcome(client_id=self.client_id, at=timezone.now())
        await self.send_json(hello)

    async def frame(self, data: bytes) -> None:
        await self.take_newest(self._numbered(data, self.identity))

    async def closed(self, code: int) -> None:
        self._mailbox.close()

    async def check(self, identity: Identity) -> None:
        """Raises a `DomainError` for a frame that may not be read."""
        if identity.user_id is None:
            check_anonymous()

    async def take_newest(self, frame: Frame) -> None:
        """Read the frame next, in place of one that waits."""
        if not self._pace.allows(at=frame.received_at):
            await self.answer(frame, Dropped("limit"))
            return
        try:
            await self.check(frame.identity)
        except DomainError as refusal:
            await self.refuse(refusal, frame)
            return
        older = self._mailbox.put(frame)
        if older is not None:
            await self.answer(older, Dropped("newer"))
        self._start_next()

    async def answer(self, frame: Frame, answer: Answer) -> None:
        """Send the one answer of a frame; a prediction's rows go to the log first."""
        if isinstance(answer, Prediction):
            await self.send_json(self._logged(frame, answer))
            return
        with override(self._language):
            if isinstance(answer, Dropped):
                event = dropped_event(answer, self._about(frame))
            else:
                event = failed_event(answer, self._about(frame))
        await self.send_json(event)

    async def refuse(self, refusal: DomainError, frame: Frame | None = None) -> None:
        """Say why a request is not carried out; the socket stays open."""
        with override(self._language):
            event = error_event(refusal.code, refusal.sentence())
        await self.send_json({**event, **(self._about(frame) if frame else {})})

    def _numbered(self, data: bytes, identity: Identity, own_id: object = None) -> Frame:
        self._frames += 1
        return Frame(self._frames, data, self._engine.clock(), identity, own_id)

    def _about(self, frame: Frame) -> About:
        about: About = {"frame": frame.number, "logged_through": self._ledger.logged_through}
        if frame.id is not None:
            about["id"] = frame.id
        return about

    def _logged(self, frame: Frame, prediction: Prediction) -> Mapping[str, object]:
        who, at = frame.identity, timezone.now()
        source = Source(who.user_id, who.username, who.sesion_id, who.client.ip)
        rows = rows_of(prediction, source=source, at=at)
        try:
            if rows:
                log_buffer.add(rows, self._ledger, frame.number)
        except LogFull:
            with override(self._language):
                message = _("The log cannot be written at present, so nothing is read.")
            return {**error_event("log_unavailable", message), **self._about(frame)}
        about = self._about(frame)
        return prediction_event(prediction, about, user=who.username, user_id=who.user_id, at=at)

    def _start_next(self) -> None:
        frame = self._mailbox.take()
        if frame is None:
            return
        request = Request(frame.data, frame.received_at, self._stream)
        loop = asyncio.get_running_loop()
        self._engine.submit(request, partial(self._delivered, frame), live=True, loop=loop)

    def _delivered(self, frame: Frame, answer: Answer) -> None:
        task = asyncio.get_running_loop().create_task(self._finish(frame, answer))
        self._finishing.add(task)  # the loop itself keeps no strong reference
        task.add_done_callback(self._finishing.discard)

    async def _finish(self, frame: Frame, answer: Answer) -> None:
        """Send, and only then go on: a client that does not read gets no more."""
        try:
            await self.answer(frame, answer)
        except Exception:  # nobody awaits this task, and each frame gets its answer
            log.exception("the answer of a frame could not be made")
            await self.answer(frame, INTERNAL)
        finally:
            self._mailbox.done()
            self._start_next()


class CommandSocket(FrameSocket):
    """JSON commands beside the binary frames."""

    async def text(self, text: str) -> None:
        try:
            message = orjson.loads(text) if len(text) <= LONGEST_TEXT else None
        except orjson.JSONDecodeError:
            message = None
        if isinstance(message, dict) and message.get("command") == "predict":
            await self.predict(message)
        else:
            await self.other(message)

    async def predict(self, message: dict[str, Any]) -> None:
        """Number the frame of a `predict`, and answer it or pass it on."""
        frame = self._numbered(b"", self.identity, message.get("id"))
        try:
            identity = await self._speaker(message)
            image = message.get("image")
            data = from_base64(image if isinstance(image, str) else "")
        except DomainError as refusal:
            await self.refuse(refusal, frame)
        except BadImage as refusal:
            failed = Failed(refusal.code, refusal.message, refusal.facts)
            await self.answer(frame, failed)
        else:
            own = Frame(frame.number, data, frame.received_at, identity, frame.id)
            await self.read(own)

    async def read(self, frame: Frame) -> None:
        """Have the frame of a `predict` read."""
        await self.take_newest(frame)

    async def other(self, message: object) -> None:
        """Answer anything but a `predict`."""
        command = message.get("command") if isinstance(message, dict) else None
        if command == "emotions":
            classes = await database_sync_to_async(_classes)()
            await self.send_json(command_event("emotions", {"emotions": emotions_body(classes)}))
        elif command == "model_info":
            body = model_body(await database_sync_to_async(active_version)())
            await self.send_json(command_event("model_info", {"info": body}))
        elif command == "health":
            await self.send_json({"type": "health", **health_body()})
        else:
            await self._reject(command)

    async def _reject(self, command: object) -> None:
        with override(self._language):
            sentence = (
                _("Send a JSON object with one of the commands in `available_commands`.")
                if command is None
                else _("There is no such command; see `available_commands`.")
            )
        await self.send_json(error_event("unknown_command", sentence))

    async def _speaker(self, message: dict[str, Any]) -> Identity:
        """Who a message speaks for. Raises a `DomainError`."""
        token = message.get("token")
        if not token:
            return self.identity
        return await self.identify(str(token))


class CameraSocket(CommandSocket):
    """`/ws/camera`: the live camera of our page, signed in by its cookie; consent comes first."""

    async def check(self, identity: Identity) -> None:
        await super().check(identity)
        user_id = identity.user_id
        if user_id is None or consents.is_known(user_id):
            return
        if not await database_sync_to_async(consents.look_up)(user_id):
            raise ConsentRequired


class CompatSocket(CommandSocket):
    """`/ws` and `/`, as the originals' clients use them: no cookie, strict order."""

    cookie_allowed: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self._answering: asyncio.Task[None] | None = None

    async def text(self, text: str) -> None:
        if self._answering is None:
            self._answering = asyncio.get_running_loop().create_task(self._answer_in_order())
        await self._waiting.put(text)

    async def closed(self, code: int) -> None:
        await super().closed(code)
        if self._answering is not None:
            self._answering.cancel()

    async def answer_text(self, text: str) -> None:
        """Answer one message to its end."""
        await super().text(text)

    async def read(self, frame: Frame) -> None:
        try:
            await self.check(frame.identity)
        except DomainError as refusal:
            await self.refuse(refusal, frame)
            return
        # No stream: the next picture of such a client may be of somebody else.
        answer = await self._engine.predict(Request(frame.data, frame.received_at))
        await self.answer(frame, answer)

    async def _answer_in_order(self) -> None:
        try:
            while True:
                await self.answer_text(await self._waiting.get())
        except Exception:  # nobody awaits this task: without its end the client would wait
            log.exception("a request of a socket failed")
            await self.close(INTERNAL_ERROR)


def _classes() -> list[EmotionClass]:
    return list(EmotionClass.objects.all())
