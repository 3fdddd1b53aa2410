"""Pages of the assistant."""

import json
import uuid
from typing import Final
from urllib.parse import urlencode

from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from assistant.attachments import LARGEST, LARGEST_TEXT, MOST_OF_A_MESSAGE
from assistant.descriptions import COLOUR_WORDS
from assistant.models import Conversation
from assistant.object_words import OBJECT_WORDS
from assistant.providers.configured import outside
from assistant.services import LONGEST_QUESTION
from predictions.core.letters import BEST
from predictions.model_cards import letter_cards

PICTURES: Final = ("image/jpeg", "image/png", "image/webp")
TEXTS: Final = ("text/*", ".md", ".csv", ".json", ".log", ".py", ".vhd", ".vhdl", ".v", ".yaml")


@require_GET
def objects(request: HttpRequest) -> HttpResponse:
    names = (one.name for capability, one in outside() if capability in {"detect", "caption"})
    providers = ", ".join(dict.fromkeys(names))
    facts = {"colours": COLOUR_WORDS, "things": OBJECT_WORDS, "providers": providers}
    return render(request, "assistant/objects.html", facts)


@require_GET
def spelling(request: HttpRequest) -> HttpResponse:
    facts = {"installed": bool(letter_cards()), "places": range(BEST)}
    return render(request, "assistant/spelling.html", facts)


# No text becomes markup on the chat page: its browser refuses every way to do so.
@require_GET
@never_cache
@csp_update({"require-trusted-types-for": ["'script'"], "trusted-types": ["'none'"]})
def chat(request: HttpRequest, conversation: uuid.UUID | None = None) -> HttpResponse:
    """A new conversation, or one of the caller's own."""
    sign_in = f"{reverse('sign-in')}?{urlencode({'next': request.path})}"
    if conversation and not request.user.is_authenticated:
        return redirect(sign_in)
    if conversation:
        get_object_or_404(Conversation.objects.owned_by(request.user), pk=conversation)
    limits = {
        "count": MOST_OF_A_MESSAGE,
        "pictureBytes": LARGEST,
        "textBytes": LARGEST_TEXT,
        "pictures": PICTURES,
    }
    told = gettext(
        "With one message: at most {count} files; pictures (JPEG, PNG, WebP) of up to {picture} MB"
        " and text files of up to {text} kB."
    ).format(count=MOST_OF_A_MESSAGE, picture=LARGEST >> 20, text=LARGEST_TEXT >> 10)
    facts = {
        "conversation": conversation,
        "limits": json.dumps(limits),
        "limits_told": told,
        "longest": LONGEST_QUESTION,
        "accept": ",".join((*PICTURES, *TEXTS)),
        "sign_in": sign_in,
        "may_ask": request.user.is_authenticated or settings.ANONYMOUS_CHAT,
    }
    return render(request, "assistant/chat.html", facts)
