"""How often a stranger may ask."""

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from sessions_app.client import client_of


class AnonymousPredictions(SimpleRateThrottle):
    """Pictures of visitors, counted by address; signed-in users are not counted here."""

    scope = "anonymous_predictions"
    rate = "300/min"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        if request.user.is_authenticated:
            return None
        return f"{self.scope}:{client_of(request._request).ip}"


class AnonymousLetters(AnonymousPredictions):
    """The same for pictures of hands, of which somebody who spells sends six a second."""

    scope = "anonymous_letters"
    rate = "600/min"
