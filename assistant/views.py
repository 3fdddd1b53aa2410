"""Pages of the assistant."""

import json
import uuid
from typing import Final
from urllib.parse import urlencode

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from assistant.descriptions import COLOUR_WORDS

PICTURES: Final = ("image/jpeg", "image/png", "image/webp")
TEXTS: Final = (".txt", ".md", ".csv", ".json", ".log", ".py", ".vhd", ".vhdl", ".v", ".yaml")
MOST_FILES, LARGEST, LARGEST_TEXT, LONGEST = 6, 10 * 2**20, 512 * 2**10, 16_000


@require_GET
def objects(request: HttpRequest) -> HttpResponse:
    return render(request, "assistant/objects.html", {"colours": COLOUR_WORDS})


# No text becomes markup on the chat page: its browser refuses every way to do so.
@require_GET
@never_cache
@csp_update({"require-trusted-types-for": ["'script'"], "trusted-types": ["'none'"]})
def chat(request: HttpRequest, conversation: uuid.UUID | None = None) -> HttpResponse:
    """A new conversation, or one of the caller's own."""
    sign_in = f"{reverse('sign-in')}?{urlencode({'next': request.path})}"
    if conversation and not request.user.is_authenticated:
        return redirect(sign_in)
    limits = {
        "count": MOST_FILES,
        "pictureBytes": LARGEST,
        "textBytes": LARGEST_TEXT,
        "pictures": PICTURES,
        "texts": TEXTS,
    }
    told = gettext(
        "With one message: at most {count} files; pictures (JPEG, PNG, WebP) of up to {picture} MB"
        " and text files of up to {text} kB."
    ).format(count=MOST_FILES, picture=LARGEST >> 20, text=LARGEST_TEXT >> 10)
    facts = {
        "conversation": conversation,
        "limits": json.dumps(limits),
        "limits_told": told,
        "longest": LONGEST,
        "accept": ",".join((*PICTURES, "text/*", *TEXTS)),
        "sign_in": sign_in,
    }
    return render(request, "assistant/chat.html", facts)
