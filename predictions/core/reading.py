"""What one picture goes through, apart from threads: request to face crops to prediction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from predictions.core.face import (
    Box,
    Detector,
    FaceTrack,
    TrackedFace,
    crop,
    is_face_crop,
    pixels_needed,
    whole,
)
from predictions.core.images import KEEP, Limits, Picture, Pixels, inspect, unpack
from predictions.core.smoothing import Probabilities, Smoother

PHOTO_SIDE, STREAM_SIDE = 240, 160  # of the copy in which faces are searched
WHOLE = 0  # the number of a picture that is one face; those that were detected begin at 1


class Classifier(Protocol):
    """The network. Called by one thread at a time."""

    def probabilities(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(n, 96, 96, 3) RGB to (n, 7), rows summing to 1, in the contract's order."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """A classifier with what its metadata says; `version` is the caller's own key, handed back."""

    classifier: Classifier
    tag: str
    margin: float = 0.0
    version: int | None = None
    calibrated: bool = False  # a temperature was fitted to it


@dataclass(slots=True)
class Stream:
    """What is remembered of one connection between its frames."""

    track: FaceTrack = field(default_factory=FaceTrack)
    smoother: Smoother = field(default_factory=Smoother)


@dataclass(frozen=True, slots=True)
class Request:
    """A picture to read. Times are of the engine's clock (`time.monotonic`)."""

    data: bytes
    received_at: float
    stream: Stream | None = None  # at most one request of a stream may be under way
    detect: bool = True  # False: the picture is one face, as the caller cut it
    assume_face: bool = False  # where no face is found, take the picture as one


@dataclass(frozen=True, slots=True)
class Face:
    """One face; `box` is in pixels of the upright picture."""

    number: int  # the same for the same face of a stream
    box: Box
    probabilities: Probabilities  # of this picture alone
    smoothed: Probabilities | None = None  # over the pictures of a stream; None outside of one


@dataclass(frozen=True, slots=True)
class Prediction:
    """The faces, the largest first; none is an answer too."""

    faces: tuple[Face, ...]
    width: int
    height: int
    tag: str
    version: int | None
    processing_ms: float  # from the worker's taking it up to its answer
    age_ms: float  # from `received_at` to its answer
    calibrated: bool = False


@dataclass(frozen=True, slots=True)
class Dropped:
    """Not looked at; `busy` comes from the engine, the other reasons from the sockets."""

    reason: Literal["busy", "newer", "limit"]


@dataclass(frozen=True, slots=True)
class Failed:
    """Looked at in vain. `message` is an msgid to be filled from `facts`."""

    code: str
    message: str
    facts: Mapping[str, int] = field(default_factory=dict)


Answer = Prediction | Dropped | Failed


@dataclass(frozen=True, slots=True)
class Detectors:
    """One thread's own: a detector is not for two."""

    photos: Detector
    streams: Detector


def make_detectors() -> Detectors:
    return Detectors(Detector(side=PHOTO_SIDE), Detector(side=STREAM_SIDE))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture up to its classification."""

    request: Request
    width: int
    height: int
    faces: tuple[TrackedFace, ...]
    crops: tuple[Pixels, ...]  # one for each face
    detected: bool  # rather than recalled, or taken as a whole


def prepare(request: Request, detectors: Detectors, *, margin: float, limits: Limits) -> Prepared:
    """Decode, find the faces, cut them out. Raises `BadImage`."""
    header = inspect(request.data, limits=limits)
    size = header.upright_size
    entire = (TrackedFace(WHOLE, whole(size)),)
    stream = request.stream
    faces: tuple[TrackedFace, ...] | None = None
    if not request.detect or is_face_crop(size):
        faces = entire
    elif stream is not None:
        faces = stream.track.recall(size, at=request.received_at)
    keep = KEEP if faces is None else pixels_needed(faces, size, margin=margin)
    picture = unpack(request.data, header, limits=limits, keep=keep)
    detected = faces is None
    if faces is None:
        faces = _detect(request, picture, detectors)
    if not faces and request.assume_face:
        faces = entire
    crops = tuple(_crop(picture, face, margin=margin) for face in faces)
    return Prepared(request, *size, faces, crops, detected)


def _detect(request: Request, picture: Picture, detectors: Detectors) -> tuple[TrackedFace, ...]:
    stream = request.stream
    detector = detectors.photos if stream is None else detectors.streams
    boxes = [box.scaled(picture.reduction) for box in detector.faces(picture.pixels)]
    if stream is None:
        return tuple(TrackedFace(number, box) for number, box in enumerate(boxes, 1))
    size = (picture.width, picture.height)
    return stream.track.learn(boxes, size, at=request.received_at)


def _crop(picture: Picture, face: TrackedFace, *, margin: float) -> Pixels:
    box = face.box.scaled(1 / picture.reduction)
    return crop(picture.pixels, box, margin=0.0 if face.number == WHOLE else margin)


def conclude(
    prepared: Prepared,
    rows: Sequence[Probabilities],
    model: Model,
    *,
    processing_ms: float,
    age_ms: float,
) -> Prediction:
    """The prediction of a picture from one row of probabilities for each of its faces."""
    stream, at = prepared.request.stream, prepared.request.received_at
    faces = []
    for face, row in zip(prepared.faces, rows, strict=True):
        calm = None if stream is None else stream.smoother.smooth(face.number, row, at=at)
        faces.append(Face(face.number, face.box, row, calm))
    return Prediction(
        faces=tuple(faces),
        width=prepared.width,
        height=prepared.height,
        tag=model.tag,
        version=model.version,
        processing_ms=processing_ms,
        age_ms=age_ms,
        calibrated=model.calibrated,
    )
