"""A conversation as a file: Markdown of its newest branch, or JSON of all of it."""

import re
import unicodedata
from typing import Any

from django.utils.translation import gettext as _

from assistant.history import branch
from assistant.models import Conversation, Message
from assistant.wire import conversation_body


def as_markdown(talk: Conversation) -> str:
    """From the first question to the newest message, each under who said it and when."""
    newest = talk.messages.order_by("number").last()
    parts = [f"# {_line(talk.title)}", f"*{talk.created_at:%Y-%m-%d %H:%M} UTC*"]
    for message in branch(newest) if newest else []:
        parts += [f"## {_who(message)} · {message.created_at:%Y-%m-%d %H:%M}"]
        parts += [f"- 📎 {_line(file.name)}" for file in message.attached.all()]
        parts += [message.text.strip()] if message.text.strip() else []
        if message.role == Message.Role.ASSISTANT and message.state != Message.State.DONE:
            parts += [f"*({message.get_state_display()})*"]
        parts += [f"- [{_line(one['title'])}]({one['url']})" for one in message.sources]
    return "\n\n".join(parts) + "\n"


def as_json(talk: Conversation) -> dict[str, Any]:
    """Every branch; `parent` says what follows on what."""
    return conversation_body(talk)


def file_name(talk: Conversation, suffix: str) -> str:
    """`visionai-como-exporto-una-red.md`: letters and digits that any disk takes."""
    plain = unicodedata.normalize("NFKD", talk.title).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60].strip("-")
    return f"visionai-{words or 'chat'}.{suffix}"


def _who(message: Message) -> str:
    if message.role == Message.Role.USER:
        return _("You")
    return _("Assistant") + (f" ({message.engine})" if message.engine else "")


def _line(text: str) -> str:
    return " ".join(text.split()).replace("[", "\\[").replace("]", "\\]")
