"""What an account's owner may ask of this app: all that is theirs, and to be forgotten."""

from collections.abc import Iterator, Mapping

from accounts.models import User
from predictions.log_buffer import log_buffer
from predictions.models import CameraConsent, PredictionLog
from predictions.selectors import exported
from predictions.services import forget_user

Part = tuple[str, Iterator[Mapping[str, object]]]


def export_predictions(user: User) -> Part:
    return "predictions", exported(PredictionLog.objects.owned_by(user))


def export_consents(user: User) -> Part:
    given = CameraConsent.objects.filter(user=user).order_by("at")
    return "camera_consents", given.values("text_version", "at").iterator()


def erase_predictions(user: User) -> None:
    """Rows on their way to the disk are written first, so that they are forgotten too."""
    log_buffer.flush()
    forget_user(user)
