"""How often somebody may ask."""

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from predictions.throttles import AnonymousPredictions


class AnonymousImages(AnonymousPredictions):
    """Pictures that are looked at: each costs some tenths of a second."""

    scope = "anonymous_images"
    rate = "60/min"


class SpeechOfUser(SimpleRateThrottle):
    """Speech in and out, counted by user; an answer read aloud takes a call for some sentences."""

    scope = "speech"
    rate = "120/min"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        return f"{self.scope}:{request.user.pk}" if request.user.is_authenticated else None
