"""How a prediction looks outside, the same for REST and sockets."""

from collections.abc import Sequence
from typing import TypedDict

from predictions.core.labels import EMOTIONS
from predictions.core.reading import Face, Prediction
from predictions.models import EmotionClass, ModelVersion
from predictions.services import confidence_of, name_of

Probabilities = dict[str, float]


class BoxBody(TypedDict):
    x: int
    y: int
    width: int
    height: int


class FaceBody(TypedDict):
    box: BoxBody
    emotion_name: str | None
    confidence: float
    probabilities: Probabilities


class PredictionBody(TypedDict):
    emotion_name: str | None
    confidence: float
    model_version_tag: str
    processing_time_ms: int
    probabilities: Probabilities
    faces: list[FaceBody]
    width: int
    height: int


def prediction_body(prediction: Prediction) -> PredictionBody:
    """The largest face's answer and all faces; without a face no name and a confidence of 0."""
    faces = [face_body(face) for face in prediction.faces]
    first = faces[0] if faces else None
    return {
        "emotion_name": first["emotion_name"] if first else None,
        "confidence": first["confidence"] if first else 0.0,
        "model_version_tag": prediction.tag,
        "processing_time_ms": round(prediction.processing_ms),
        "probabilities": first["probabilities"] if first else {},
        "faces": faces,
        "width": prediction.width,
        "height": prediction.height,
    }


def face_body(face: Face) -> FaceBody:
    box = face.box
    return {
        "box": {"x": box.x, "y": box.y, "width": box.width, "height": box.height},
        "emotion_name": name_of(face),
        "confidence": round(confidence_of(face), 4),
        "probabilities": {
            name: round(value, 4)
            for name, value in zip(EMOTIONS, face.probabilities.tolist(), strict=True)
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
        "classes": list(EMOTIONS),
        "metrics": version.metrics,
    }
