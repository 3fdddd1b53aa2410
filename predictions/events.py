"""What a socket says, each kind of message in one place."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from django.utils.translation import gettext as _

from predictions.core.reading import Dropped, Failed, Prediction
from predictions.wire import prediction_body

COMMANDS = ("predict", "emotions", "model_info", "health")


class About(TypedDict):
    """Which frame an answer is about; `id` is the request's own, echoed."""

    frame: int
    logged_through: int
    id: NotRequired[object]


class Welcome(TypedDict):
    type: Literal["connection"]
    status: Literal["connected"]
    message: str
    commands: Sequence[str]
    client_id: str
    timestamp: str


class ErrorEvent(TypedDict):
    type: Literal["error"]
    status: Literal["error"]
    code: str
    message: str
    available_commands: Sequence[str]


def welcome(*, client_id: str, at: datetime) -> Welcome:
    return {
        "type": "connection",
        "status": "connected",
        "message": _("Connected to VisionAI."),
        "commands": COMMANDS,
        "client_id": client_id,
        "timestamp": at.isoformat(),
    }


def prediction_event(
    prediction: Prediction, about: About, *, user: str | None, user_id: int | None, at: datetime
) -> dict[str, object]:
    return {
        "type": "prediction",
        "status": "success",
        **prediction_body(prediction),
        "timestamp": at.isoformat(),
        "user": user,
        "user_id": user_id,
        **about,
    }


def dropped_event(dropped: Dropped, about: About) -> dict[str, object]:
    return {"type": "dropped", "status": "dropped", "reason": dropped.reason, **about}


def error_event(code: str, message: str) -> ErrorEvent:
    return {
        "type": "error",
        "status": "error",
        "code": code,
        "message": message,
        "available_commands": COMMANDS,
    }


def failed_event(failed: Failed, about: About) -> dict[str, object]:
    message = _(failed.message).format(**failed.facts)
    return {**error_event(failed.code, message), **about}


def command_event(kind: str, body: Mapping[str, object]) -> dict[str, object]:
    return {"type": kind, "status": "success", **body}
