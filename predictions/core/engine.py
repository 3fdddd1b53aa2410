"""One worker thread that turns pictures into probabilities, and answers each request once.

No ORM, no channel layer and no `sync_to_async` here. The worker takes whatever is queued, never
waits for more, and stops collecting when a batch is full or old. It alone touches a `Stream`.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from itertools import islice

import numpy as np

from predictions.core.images import STANDARD, BadImage, Limits, gettext_noop
from predictions.core.reading import (
    Answer,
    Detectors,
    Dropped,
    Failed,
    Model,
    Prediction,
    Prepared,
    Request,
    conclude,
    make_detectors,
    prepare,
)
from predictions.core.smoothing import Probabilities

log = logging.getLogger(__name__)

LARGEST_BATCH = 16  # faces
LONGEST_COLLECTING_S = 0.025  # a batch that took this long to prepare is classified as it is

NO_MODEL = Failed(
    "no_model",
    gettext_noop("No model version is active. Ask the operator to activate one."),
)
INTERNAL = Failed(
    "internal", gettext_noop("The image could not be read because of a fault on our side.")
)

Clock = Callable[[], float]
Deliver = Callable[[Answer], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may wait, and how many may. In a full lane of live frames the oldest
    gives way; a photo that finds its lane full is refused."""

    live_s: float = 0.15
    live_waiting: int = 256
    photo_s: float = 5.0
    photo_waiting: int = 64


@dataclass(slots=True)
class Counts:
    """What happened since the start."""

    predictions: int = 0
    dropped: int = 0
    failed: int = 0
    faces: int = 0
    batches: int = 0
    detections: int = 0
    swaps: int = 0


@dataclass(frozen=True, slots=True)
class _Job:
    request: Request
    deadline: float
    deliver: Deliver
    loop: asyncio.AbstractEventLoop | None


@dataclass(frozen=True, slots=True)
class _Ready:
    job: _Job
    prepared: Prepared
    began: float


Outbox = list[tuple[_Job, Answer]]


class Engine:
    """Start it once a process, submit from any thread or event loop, stop it at the end."""

    def __init__(
        self,
        model: Model | None = None,
        *,
        limits: Limits = STANDARD,
        patience: Patience | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.clock = clock
        self._model = model
        self._limits = limits
        self._patience = patience or Patience()
        self._wake = threading.Condition()
        self._live: deque[_Job] = deque()
        self._photos: deque[_Job] = deque()
        self._photos_turn = False
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._counts = Counts()

    # Life

    def start(self) -> None:
        """Start the worker; nothing happens when it runs already. A stopped engine stays so."""
        with self._wake:
            if self._stopping:
                raise RuntimeError("the inference engine was stopped")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="inference", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Finish the batch at work, answer what waits with `busy`, end the thread."""
        with self._wake:
            self._stopping = True
            waiting = [*self._photos, *self._live]
            self._photos.clear()
            self._live.clear()
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        self._hand_out([(job, Dropped("busy")) for job in waiting])

    @property
    def model(self) -> Model | None:
        return self._model

    def use(self, model: Model | None) -> None:
        """From the next batch on. What is at work finishes on the model it began with."""
        with self._wake:
            self._model = model
            self._counts.swaps += 1

    def counts(self) -> dict[str, int]:
        """The counters, with the number of requests that wait right now."""
        with self._wake:
            return asdict(self._counts) | {"waiting": len(self._live) + len(self._photos)}

    # Requests

    def submit(
        self,
        request: Request,
        deliver: Deliver,
        *,
        live: bool,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Queue a request. `deliver` gets its one answer: in `loop`, or without one in the worker
        or in the thread of a `submit` that left it no place.

        Never waits. Raises `RuntimeError` when the engine was never started.
        """
        wait_s = self._patience.live_s if live else self._patience.photo_s
        job = _Job(request, request.received_at + wait_s, deliver, loop)
        with self._wake:
            displaced = self._enqueue(job, live=live)
            self._wake.notify()
        if displaced is not None:
            self._hand_out([(displaced, Dropped("busy"))])

    async def predict(self, request: Request, *, live: bool = False) -> Answer:
        """The answer, for code in an event loop."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()

        def deliver(answer: Answer) -> None:
            if not answered.done():  # its task may have been cancelled
                answered.set_result(answer)

        self.submit(request, deliver, live=live, loop=loop)
        return await answered

    def predict_blocking(self, request: Request) -> Answer:
        """The answer, for code in a thread of its own. Raises `TimeoutError` if none comes."""
        answered: Future[Answer] = Future()
        self.submit(request, answered.set_result, live=False)
        return answered.result(timeout=self._patience.photo_s + 30)

    def _enqueue(self, job: _Job, *, live: bool) -> _Job | None:
        """Put a job into its lane; the one that is left without a place comes back."""
        if self._stopping:
            return job
        if self._thread is None:
            raise RuntimeError("the inference engine was not started")
        lane = self._live if live else self._photos
        most = self._patience.live_waiting if live else self._patience.photo_waiting
        full = len(lane) >= most
        if full and not live:
            return job
        displaced = lane.popleft() if full else None
        lane.append(job)
        return displaced

    # The worker

    def _work(self) -> None:
        detectors = make_detectors()
        while True:
            with self._wake:
                while not (self._live or self._photos or self._stopping):
                    self._wake.wait()
                if self._stopping:
                    return
                model = self._model
            outbox: Outbox = []
            batch = list(self._collect(model, detectors, outbox))
            if model is not None and batch:
                self._classify(model, batch, outbox)
            self._hand_out(outbox)

    def _collect(
        self, model: Model | None, detectors: Detectors, outbox: Outbox
    ) -> Iterator[_Ready]:
        """Prepare what is queued, up to one batch; what fails or is too old is answered."""
        began, faces = self.clock(), 0
        while faces < LARGEST_BATCH and (job := self._next_job()) is not None:
            now = self.clock()
            if now > job.deadline:
                outbox.append((job, Dropped("busy")))
            elif model is None:
                outbox.append((job, NO_MODEL))
            else:
                ready = self._prepare(job, detectors, margin=model.margin, began=now)
                if isinstance(ready, Failed):
                    outbox.append((job, ready))
                else:
                    yield ready
                    faces += len(ready.prepared.faces)
            if self.clock() - began > LONGEST_COLLECTING_S:
                return

    def _next_job(self) -> _Job | None:
        """Photos and live frames by turns, so that neither shuts the other out."""
        with self._wake:
            self._photos_turn = not self._photos_turn
            lanes = [self._photos, self._live]
            lane = (lanes[0] or lanes[1]) if self._photos_turn else (lanes[1] or lanes[0])
            return lane.popleft() if lane else None

    def _prepare(
        self, job: _Job, detectors: Detectors, *, margin: float, began: float
    ) -> _Ready | Failed:
        try:
            prepared = prepare(job.request, detectors, margin=margin, limits=self._limits)
        except BadImage as refusal:
            return Failed(refusal.code, refusal.message, refusal.facts)
        except Exception:  # whatever a stranger's picture does, the worker lives on
            log.exception("a picture could not be prepared")
            return INTERNAL
        self._counts.detections += prepared.detected
        return _Ready(job, prepared, began)

    def _classify(self, model: Model, batch: list[_Ready], outbox: Outbox) -> None:
        try:
            answers = self._predictions(model, batch)
        except Exception:  # another version may do better: the worker lives on
            log.exception("the classifier failed")
            outbox.extend((ready.job, INTERNAL) for ready in batch)
            return
        outbox.extend(zip((ready.job for ready in batch), answers, strict=True))

    def _predictions(self, model: Model, batch: list[_Ready]) -> list[Prediction]:
        crops = [face for ready in batch for face in ready.prepared.crops]
        rows: list[Probabilities] = []
        for start in range(0, len(crops), LARGEST_BATCH):
            faces = np.stack(crops[start : start + LARGEST_BATCH])
            rows.extend(model.classifier.probabilities(faces))
            self._counts.batches += 1
        if len(rows) != len(crops) or not np.isfinite(rows).all():
            raise ValueError(f"{len(crops)} faces gave {len(rows)} rows, or rows without a number")
        now, left = self.clock(), iter(rows)
        return [
            conclude(
                ready.prepared,
                list(islice(left, len(ready.prepared.faces))),
                model,
                processing_ms=(now - ready.began) * 1000,
                age_ms=(now - ready.job.request.received_at) * 1000,
            )
            for ready in batch
        ]

    # Answers

    def _hand_out(self, outbox: Outbox) -> None:
        """Deliver: one wake-up for each event loop, however many answers it gets."""
        self._count(outbox)
        by_loop: dict[asyncio.AbstractEventLoop | None, Outbox] = {}
        for job, answer in outbox:
            by_loop.setdefault(job.loop, []).append((job, answer))
        for loop, answers in by_loop.items():
            if loop is None:
                _deliver_all(answers)
                continue
            try:
                loop.call_soon_threadsafe(_deliver_all, answers)
            except RuntimeError:  # the loop was closed: nobody is left to hear
                log.info("%d answers came after their event loop had closed", len(answers))

    def _count(self, outbox: Outbox) -> None:
        with self._wake:
            for _, answer in outbox:
                if isinstance(answer, Prediction):
                    self._counts.predictions += 1
                    self._counts.faces += len(answer.faces)
                elif isinstance(answer, Dropped):
                    self._counts.dropped += 1
                else:
                    self._counts.failed += 1


def _deliver_all(answers: Outbox) -> None:
    for job, answer in answers:
        try:
            job.deliver(answer)
        except Exception:  # one receiver's fault must not cost the others their answers
            log.exception("an answer could not be delivered")
