"""Why a picture was not read, as refusals that the API answers with a problem document."""

from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from predictions.core.reading import Dropped, Failed, Prediction
from visionai.lib.errors import DomainError

STATUSES = {
    "empty": 400,
    "too_large": 413,
    "unsupported_format": 415,
    "too_many_pixels": 422,
    "animated": 422,
    "broken": 422,
    "no_model": 503,
    "internal": 500,
}


class PictureRefused(DomainError):
    """What the engine said of a picture, with its own code and the status that belongs to it."""

    title = _("The picture could not be read")

    def __init__(self, failed: Failed) -> None:
        super().__init__(**failed.facts)
        self._message = failed.message
        self.code = failed.code  # type: ignore[misc]
        self.status = STATUSES[failed.code]  # type: ignore[misc]

    def sentence(self) -> str:
        return gettext(self._message).format(**self.facts)


class NoPicture(DomainError):
    status, code, title = 400, "no_file", _("There is no picture")
    detail = _("Send the picture as the multipart field “file”.")


class EngineBusy(DomainError):
    status, code, title = 503, "busy", _("Too many pictures at once")
    detail = _("The server has more pictures than it can read; try again in a moment.")


class AnonymousClosed(DomainError):
    status, code, title = 401, "login_required", _("Sign in first")
    detail = _("Pictures of visitors are not read here; sign in and try again.")


class ConsentRequired(DomainError):
    status, code, title = 403, "consent_required", _("Consent is missing")
    detail = _("Agree to the use of the camera first; the camera page asks for it.")


def check_anonymous() -> None:
    """Raises `AnonymousClosed` where the operator closed predictions to visitors."""
    if not settings.ENV.anonymous_predict:
        raise AnonymousClosed


def as_prediction(answer: Prediction | Dropped | Failed) -> Prediction:
    """The prediction. Raises `EngineBusy` or `PictureRefused` for any other answer."""
    if isinstance(answer, Dropped):
        raise EngineBusy(retry_after=1)
    if isinstance(answer, Failed):
        raise PictureRefused(answer)
    return answer
