"""The letters of a hand in a picture, read by the network that is shipped."""

import hashlib
import json
import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictions.core.images import BadImage, decode, from_base64
from predictions.core.labels import MOVING_LETTERS
from predictions.core.letters import LetterReader, Reading
from predictions.core.reading import Failed
from predictions.hooks import FarLetters
from predictions.refusals import PictureRefused
from predictions.versions import SHIPPED
from visionai.lib.errors import DomainError

log = logging.getLogger(__name__)

SHIPPED_CARD = SHIPPED / "letters-v2.json"
NO_LETTER = "no letter"  # what an answer says instead of one; programs compare it

_lock = threading.Lock()
_loaded: tuple[LetterReader, dict[str, Any]] | None = None


class NoLetterNetwork(DomainError):
    status, code, title = 503, "no_letter_network", _("Letters cannot be read now")
    detail = _("The network for letters is missing or damaged. Ask the operator to restore it.")


@dataclass(frozen=True, slots=True)
class LetterAnswer:
    """What was read, by what, and how long it took."""

    reading: Reading
    tag: str
    processing_ms: float

    def sentence(self) -> str:
        """What was read, in the active language."""
        if self.reading.letter is None:
            return gettext(
                "No letter can be told from this picture. Show one hand, large and well lit."
            )
        sure = round(self.reading.confidence * 100)
        if self.reading.movement:
            return gettext(
                "Perhaps the letter {letter} ({sure} %): it is signed by a movement, which a "
                "still picture cannot show."
            ).format(letter=self.reading.letter, sure=sure)
        return gettext("The letter {letter} ({sure} %).").format(
            letter=self.reading.letter, sure=sure
        )


def read_letter(data: bytes) -> LetterAnswer:
    """The letter in an image file. Raises `PictureRefused` or `NoLetterNetwork`."""
    reader, card = _network()
    began = time.perf_counter()
    try:
        picture = decode(data)
    except BadImage as refusal:
        failed = Failed(refusal.code, refusal.message, refusal.facts)
        raise PictureRefused(failed) from refusal
    reading = reader.read(picture.pixels)
    return LetterAnswer(reading, card["tag"], (time.perf_counter() - began) * 1000)


def unpack_base64(text: str) -> bytes:
    """The bytes of a base64 text or data URL. Raises `PictureRefused`."""
    try:
        return from_base64(text)
    except BadImage as refusal:
        failed = Failed(refusal.code, refusal.message, refusal.facts)
        raise PictureRefused(failed) from refusal


def letter_card() -> dict[str, Any]:
    """What is known of the network: its .json. Raises `NoLetterNetwork`."""
    return _network()[1]


def letter_body(answer: LetterAnswer) -> dict[str, object]:
    """The canonical answer."""
    reading = answer.reading
    return {
        "letter": reading.letter or NO_LETTER,
        "confidence": round(reading.confidence, 4),
        "calibrated": True,
        "movement": reading.movement,
        "movement_letters": sorted(MOVING_LETTERS),
        "alternatives": [
            {
                "letter": guess.letter,
                "confidence": round(guess.confidence, 4),
                "movement": guess.movement,
            }
            for guess in reading.guesses
        ],
        "abstained": reading.abstained,
        "threshold": reading.threshold,
        "message": answer.sentence(),
        "model_version_tag": answer.tag,
        "processing_time_ms": round(answer.processing_ms, 2),
    }


def original_body(answer: LetterAnswer, *, far: FarLetters | None = None) -> dict[str, object]:
    """The answer in the words of the original: percentages, and `prediction` for the letter.

    What somebody outside read counts; where it gave nothing, our reading is marked `degraded`.
    """
    body = _own_original(answer) | {"degraded": far is not None and not far.guesses}
    if far is None or not far.guesses:
        return body
    (letter, sure), *_others = far.guesses
    moves = letter in MOVING_LETTERS
    words = gettext("The letter {letter} ({sure} %).")
    return body | {
        "prediction": letter,
        "confidence": round(sure * 100, 2),
        "alternatives": [
            {
                "prediction": one,
                "confidence": round(share * 100, 2),
                "movement": one in MOVING_LETTERS,
            }
            for one, share in far.guesses
        ],
        "message": words.format(letter=letter, sure=round(sure * 100)),
        "source": far.source,
        "movement": moves,
        "abstained": False,
    }


def _own_original(answer: LetterAnswer) -> dict[str, object]:
    reading = answer.reading
    return {
        "success": True,
        "prediction": reading.letter or NO_LETTER,
        "confidence": round(reading.confidence * 100, 2),
        "alternatives": [
            {
                "prediction": guess.letter,
                "confidence": round(guess.confidence * 100, 2),
                "movement": guess.movement,
            }
            for guess in reading.guesses
        ],
        "message": answer.sentence(),
        "source": f"embedded {answer.tag}",
        "movement": reading.movement,
        "movement_letters": sorted(MOVING_LETTERS),
        "abstained": reading.abstained,
        "threshold": round(reading.threshold * 100, 2),
    }


def card_body() -> dict[str, Any]:
    """The card for programs: how the network is called, what it takes and how good it is."""
    card = letter_card()
    return {
        "status": "loaded",
        "name": "letters",
        "model_version_tag": card["tag"],
        "task": card["task"],
        "classes": card["classes"],
        "movement_letters": card["movement_letters"],
        "num_classes": len(card["classes"]),
        "input_shape": card["input_shape"],
        "total_params": card["total_params"],
        "macs": card["macs"],
        "precision": card["precision"],
        "temperature": card["temperature"],
        "threshold": card["threshold"],
        "provider": "embedded",
        "metrics": card["metrics"],
    }


def forget_network() -> None:
    """Load the network anew at the next picture."""
    global _loaded
    with _lock:
        _loaded = None


def _network() -> tuple[LetterReader, dict[str, Any]]:
    global _loaded
    with _lock:
        if _loaded is None:
            try:
                _loaded = _load(SHIPPED_CARD)
            except Exception as fault:  # a broken file must not look like a fault of the caller
                log.exception("the network for letters cannot be loaded")
                raise NoLetterNetwork from fault
        return _loaded


def _load(path: Path) -> tuple[LetterReader, dict[str, Any]]:
    from predictions.core.classifier import Classifier  # LiteRT is 20 MB that a page never needs

    card = json.loads(path.read_text())
    tflite = path.with_name(card["files"]["tflite"]["name"])
    if hashlib.sha256(tflite.read_bytes()).hexdigest() != card["files"]["tflite"]["sha256"]:
        raise ValueError(f"{tflite.name} is not the file that {path.name} describes")
    network = Classifier(tflite, temperature=card["temperature"], classes=len(card["classes"]))
    return LetterReader(network, threshold=card["threshold"]), card
