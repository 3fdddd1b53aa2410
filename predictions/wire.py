"""How a prediction looks outside, the same for REST and sockets."""

from collections.abc import Sequence
from typing import Final, NotRequired, TypedDict

from django.conf import settings

from predictions.core.labels import EMOTIONS
from predictions.core.reading import Face, Prediction
from predictions.core.smoothing import LAG_MS, Probabilities
from predictions.models import EmotionClass, ModelVersion
from predictions.services import confidence_of, name_of


class BoxBody(TypedDict):
    x: int
    y: int
    width: int
    height: int


class ReadingBody(TypedDict):
    """What probabilities come to; `emotion_name` is null where the answer was withheld."""

    emotion_name: str | None
    confidence: float
    abstained: bool
    probabilities: dict[str, float]


class SmoothedBody(ReadingBody):
    lag_ms: int


class FaceBody(ReadingBody):
    """The reading of this picture alone; `smoothed` is there in a stream of pictures."""

    box: BoxBody
    smoothed: NotRequired[SmoothedBody]


class PredictionBody(ReadingBody):
    """The largest face's reading again, and all faces."""

    threshold: float  # below it an answer is withheld
    calibrated: bool
    model_version_tag: str
    processing_time_ms: int
    faces: list[FaceBody]
    width: int
    height: int
    smoothed: NotRequired[SmoothedBody]


NOBODY: Final[ReadingBody] = {
    "emotion_name": None,
    "confidence": 0.0,
    "abstained": False,
    "probabilities": {},
}


def prediction_body(prediction: Prediction) -> PredictionBody:
    """The largest face's answer and all faces; without a face no name and a confidence of 0."""
    faces = [face_body(face) for face in prediction.faces]
    first: ReadingBody = faces[0] if faces else NOBODY
    body: PredictionBody = {
        "emotion_name": first["emotion_name"],
        "confidence": first["confidence"],
        "model_version_tag": prediction.tag,
        "processing_time_ms": round(prediction.processing_ms),
        "probabilities": first["probabilities"],
        "abstained": first["abstained"],
        "threshold": settings.ENV.abstain_below,
        "calibrated": prediction.calibrated,
        "faces": faces,
        "width": prediction.width,
        "height": prediction.height,
    }
    if faces and "smoothed" in faces[0]:
        body["smoothed"] = faces[0]["smoothed"]
    return body


def face_body(face: Face) -> FaceBody:
    box, reading = face.box, reading_body(face.probabilities)
    body: FaceBody = {
        "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
        "emotion_name": reading["emotion_name"],
        "confidence": reading["confidence"],
        "abstained": reading["abstained"],
        "probabilities": reading["probabilities"],
    }
    if face.smoothed is not None:
        body["smoothed"] = {**reading_body(face.smoothed), "lag_ms": LAG_MS}
    return body


def reading_body(probabilities: Probabilities) -> ReadingBody:
    name = name_of(probabilities)
    return {
        "emotion_name": name,
        "confidence": round(confidence_of(probabilities), 4),
        "abstained": name is None,
        "probabilities": {
            one: round(value, 4)
            for one, value in zip(EMOTIONS, probabilities.tolist(), strict=True)
        },
    }


def emotions_body(classes: Sequence[EmotionClass]) -> list[dict[str, object]]:
    return [
        {"id": one.emotion_id, "name": one.emotion_name, "description": one.description}
        for one in classes
    ]


def model_body(version: ModelVersion | None) -> dict[str, object]:
    """What the original's `model/info` told, and what our own version knows beside it."""
    if version is None:
        return {"status": "not_loaded", "num_classes": len(EMOTIONS)}
    return {
        "status": "loaded",
        "input_shape": version.input_shape,
        "num_classes": len(EMOTIONS),
        "total_params": version.total_params,
        "model_version_tag": version.version_tag,
        "precision": version.precision,
        "temperature": version.temperature,
        "calibrated": version.calibrated,
        "classes": list(EMOTIONS),
        "metrics": version.metrics,
    }
