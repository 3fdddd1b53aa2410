"""The seven emotions, in the order every classifier, table and page uses."""

from typing import Final

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def emotion_id(emotion: str) -> int:
    """The number of the emotion in the API's catalogue: 1..7. Raises `ValueError`."""
    return EMOTIONS.index(emotion) + 1
