"""What the assistant does not do, in words that say what to do next."""

from django.utils.translation import gettext_lazy as _

from visionai.lib.errors import DomainError


class NotFound(DomainError):
    status, code, title = 404, "not_found", _("Not found")
    detail = _("There is no such conversation or message, or it is somebody else's.")


class EmptyQuestion(DomainError):
    status, code, title = 400, "empty", _("There is nothing to answer")
    detail = _("Write a message first.")


class TooLong(DomainError):
    status, code, title = 413, "too_long", _("The message is too long")
    detail = _("A message has at most {limit} characters; shorten it or send it in parts.")


class BadMessage(DomainError):
    status, code, title = 400, "bad_message", _("The message cannot be read")
    detail = _("“{field}” is missing or not what is expected; docs/websocket.md lists the fields.")


class UnknownKind(DomainError):
    status, code, title = 400, "unknown_type", _("There is no such kind of message")
    detail = _("Send text, or a JSON object whose type is text, stop, resume, retry, edit or ping.")


class TooFast(DomainError):
    status, code, title = 429, "too_fast", _("Too many messages")
    detail = _("Too many messages in a short time; wait {retry_in} seconds.")


class TooManyAnswers(DomainError):
    status, code, title = 429, "too_many_answers", _("Too many answers at once")
    detail = _("{limit} answers are being written already; wait for one or stop it.")


class StillAnswering(DomainError):
    status, code, title = 409, "still_answering", _("The answer is still being written")
    detail = _("This answer is still being written; wait for its end or stop it.")


class NotThatRole(DomainError):
    status, code, title = 409, "wrong_role", _("Not that kind of message")
    detail = _("An answer is tried again, a question is edited; this message is the other kind.")


class VisitorsClosed(DomainError):
    status, code, title = 401, "login_required", _("Sign in first")
    detail = _("The assistant answers signed-in users here; sign in and try again.")


class ConversationFull(DomainError):
    status, code, title = 409, "conversation_full", _("The conversation is full")
    detail = _("A conversation has at most {limit} messages; begin a new one.")


class NoFile(DomainError):
    status, code, title = 400, "no_file", _("There is no file")
    detail = _("Send the file as the multipart field “file”.")


class Unavailable(DomainError):
    status, code, title = 503, "unavailable", _("Not possible at present")
    detail = _("The assistant cannot take messages at present; try again in a moment.")


class TooManyConversations(DomainError):
    status, code, title = 409, "too_many_conversations", _("Too many conversations")
    detail = _("You have {limit} conversations, the most there may be; delete some.")
