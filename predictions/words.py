"""The classes as people call them."""

from django.utils.translation import gettext_lazy as _

EMOTION_WORDS = {
    "angry": _("Angry"),
    "disgust": _("Disgust"),
    "fear": _("Fear"),
    "happy": _("Happy"),
    "neutral": _("Neutral"),
    "sad": _("Sad"),
    "surprise": _("Surprise"),
}
