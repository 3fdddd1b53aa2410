"""The seven emotions and the letters, in the order every classifier, table and page uses."""

from typing import Final

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")

LETTERS: Final = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
MOVING_LETTERS: Final = frozenset("JZ")  # signed by a movement: a still picture can only guess


def emotion_id(emotion: str) -> int:
    """The number of the emotion in the API's catalogue: 1..7. Raises `ValueError`."""
    return EMOTIONS.index(emotion) + 1
