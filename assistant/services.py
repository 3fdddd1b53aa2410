"""What may happen to a conversation: it is asked, stopped, tried again, edited, renamed, deleted.

An answer begins as a row; a web process takes it from there (`answering.py`), be it this one or,
when this one dies, another.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from django.db import transaction
from django.db.models import F

from accounts.acts import ASSISTANT_CALLS_A_DAY
from accounts.models import User
from accounts.plans import check_quota
from assistant import attachments
from assistant.core.folding import fold, short
from assistant.core.seam import clean
from assistant.models import (
    TITLE_LENGTH,
    Attached,
    Conversation,
    ConversationQuerySet,
    Message,
    MessageQuerySet,
)
from assistant.refusals import (
    ConversationFull,
    EmptyQuestion,
    NotFound,
    NotThatRole,
    StillAnswering,
    TooLong,
    TooManyAnswers,
    TooManyConversations,
)
from sessions_app.changes import announce
from visionai.lib.turns import writing

ASSISTANT_ANSWER: Final = "assistant_answer"  # something about the answer of that id is new
ASSISTANT_STOP: Final = "assistant_stop"  # to the process that writes it
ASSISTANT_TALK: Final = "assistant_talk"  # an answer begins in the conversation of that id
LONGEST_QUESTION: Final = 16_000  # characters
MOST_MESSAGES: Final = 2_000  # of a conversation
MOST_CONVERSATIONS: Final = 5_000  # of a user
ANSWERS_AT_ONCE: Final = 3  # of a user, or of a visitor's connection
TITLE_OF_QUESTION: Final = 80

Role, State = Message.Role, Message.State
# Told, after the commit, of each answer that begins or is to stop: the engine of a web process.
begun: list[Callable[[uuid.UUID], None]] = []
stopped: list[Callable[[uuid.UUID], None]] = []


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who asks: a user, or a visitor known by a secret of one connection."""

    user_id: int | None
    sesion_id: int | None = None
    visitor: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    conversation: uuid.UUID
    question: uuid.UUID
    answer: uuid.UUID


def own_conversation(who: Speaker, pk: uuid.UUID) -> Conversation:
    """Raises `NotFound` for another's too."""
    found = _conversations(who).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def own_message(who: Speaker, pk: uuid.UUID) -> Message:
    """Raises `NotFound` for another's too."""
    mine = Message.objects.filter(pk=pk, conversation__in=_conversations(who))
    found = mine.select_related("conversation").first()
    if found is None:
        raise NotFound
    return found


@writing()
def ask(
    who: Speaker,
    text: str,
    *,
    conversation: uuid.UUID | None = None,
    parent: uuid.UUID | None = None,
    attached: Sequence[uuid.UUID] = (),
    label: str | None = None,
    ref: str = "",
    language: str,
    at: datetime,
) -> Asked:
    """Put a question; its answer begins at once.

    Without a conversation a new one is made, or the user's own of that label. Without a parent the
    question follows on the newest message. What was asked under the same `ref` is not asked again.
    Raises a `DomainError`.
    """
    text = _checked(text, needed=not attached)
    if found := _asked_before(who, ref):
        return found
    user = _locked(who, at=at)
    title = text or "…"
    talk = _talk(who, conversation, label=label, title=title, at=at)
    before = _parent(talk, parent)
    if before is not None and before.role == Role.USER:
        raise NotThatRole  # a question follows on an answer
    question = _add_question(who, talk, before, text, language=language, at=at)
    attachments.take(attached, user=user, message=question)
    return _begin(who, question, ref=ref, at=at)


@writing()
def retry(who: Speaker, pk: uuid.UUID, *, ref: str = "", at: datetime) -> Asked:
    """Another answer to the question of this one. Raises a `DomainError`."""
    if found := _asked_before(who, ref):
        return found
    _locked(who, at=at)
    answer = own_message(who, pk)
    if answer.role != Role.ASSISTANT:
        raise NotThatRole
    if not answer.has_ended:
        raise StillAnswering
    question = Message.objects.get(children=answer)
    _lock(question.conversation_id)
    return _begin(who, question, ref=ref, at=at)


@writing()
def edit(
    who: Speaker,
    pk: uuid.UUID,
    text: str,
    *,
    attached: Sequence[uuid.UUID] | None = None,
    ref: str = "",
    language: str,
    at: datetime,
) -> Asked:
    """Put a question anew, beside the old one, with its files unless others are named."""
    if found := _asked_before(who, ref):
        return found
    old = own_message(who, pk)
    if old.role != Role.USER:
        raise NotThatRole
    kept = list(old.attached.all()) if attached is None else []
    text = _checked(text, needed=not (kept or attached))
    user = _locked(who, at=at)
    talk = _lock(old.conversation_id)
    before = Message.objects.filter(pk=old.parent_id).first() if old.parent_id else None
    question = _add_question(who, talk, before, text, language=language, at=at)
    attachments.take(attached or (), user=user, message=question)
    attachments.repeat(kept, message=question, at=at)
    return _begin(who, question, ref=ref, at=at)


def stop(who: Speaker, pk: uuid.UUID, *, at: datetime) -> Message:
    """Have the answer end where it is; harmless when it has ended. Raises `NotFound`."""
    answer = own_message(who, pk)
    if answer.role != Role.ASSISTANT:
        raise NotThatRole
    for tell in stopped:  # at once, if this process writes it; the rows are for all others
        tell(pk)
    with writing():
        _stop(Message.objects.filter(pk=pk), at=at)
    return answer


@writing()
def stop_all_of(user: User, *, at: datetime) -> None:
    """Every answer that is being written for the user."""
    _stop(Message.objects.filter(conversation__user=user), at=at)


@writing()
def stop_these(pks: Sequence[uuid.UUID], *, at: datetime) -> int:
    """For staff; how many of them were being written."""
    which = Message.objects.generating().filter(pk__in=pks)
    count = which.count()
    _stop(which, at=at)
    return count


def rename(who: Speaker, pk: uuid.UUID, title: str) -> Conversation:
    """Raises `NotFound` or `EmptyQuestion`."""
    talk = own_conversation(who, pk)
    talk.title = short(clean(title), TITLE_LENGTH)
    if not talk.title:
        raise EmptyQuestion
    talk.folded_title = fold(talk.title)
    talk.save(update_fields=["title", "folded_title"])
    return talk


@writing()
def delete(who: Speaker, pk: uuid.UUID) -> None:
    """Remove the conversation, its messages and files. Raises `NotFound`."""
    remove(own_conversation(who, pk))


@writing()
def new_conversation(who: Speaker, title: str, *, at: datetime) -> Conversation:
    """An empty one with a title."""
    return _make(who, short(clean(title), TITLE_LENGTH) or "…", label=None, at=at)


def remove(talk: Conversation) -> None:
    """For whoever may. Only within a transaction; who writes an answer finds its row gone."""
    writing = talk.messages.filter(state=State.GENERATING).values_list("pk", flat=True)
    for pk in list(writing):
        _tell_stop(pk)
    names = attachments.stored_of(Attached.objects.filter(message__conversation=talk))
    talk.delete()
    attachments.forget_unused(names)


def _conversations(who: Speaker) -> ConversationQuerySet:
    if who.user_id is None:
        return Conversation.objects.of_visitor(who.visitor)
    return Conversation.objects.filter(user_id=who.user_id)


def _checked(text: str, *, needed: bool) -> str:
    text = clean(text).strip()
    if needed and not text:
        raise EmptyQuestion
    if len(text) > LONGEST_QUESTION:
        raise TooLong(limit=LONGEST_QUESTION)
    return text


def _locked(who: Speaker, *, at: datetime) -> User | None:
    """The user, locked, who may have one more answer. Raises a `DomainError`."""
    writing = Message.objects.generating().filter(conversation__in=_conversations(who))
    user = None
    if who.user_id is not None:
        user = User.objects.get_queryset().select_for_update().filter(pk=who.user_id).first()
        if user is None or not user.is_active:
            raise NotFound
    running = writing.count()
    if running >= ANSWERS_AT_ONCE:
        raise TooManyAnswers(retry_after=5, limit=ANSWERS_AT_ONCE)
    if user is not None:  # what runs is counted at its end
        check_quota(user, ASSISTANT_CALLS_A_DAY.name, at=at, adding=running + 1)
    return user


def _talk(
    who: Speaker, pk: uuid.UUID | None, *, label: str | None, title: str, at: datetime
) -> Conversation:
    if pk is not None:
        return _lock(own_conversation(who, pk).pk)
    if label and who.user_id is not None:
        found = Conversation.objects.filter(user_id=who.user_id, label=label).first()
        if found is not None:
            return _lock(found.pk)
    return _make(who, short(title, TITLE_OF_QUESTION), label=label, at=at)


def _make(who: Speaker, title: str, *, label: str | None, at: datetime) -> Conversation:
    signed_in = who.user_id is not None
    if _conversations(who).count() >= MOST_CONVERSATIONS:
        raise TooManyConversations(limit=MOST_CONVERSATIONS)
    return Conversation.objects.create(
        user_id=who.user_id,
        visitor="" if signed_in else who.visitor,
        sesion_number=who.sesion_id,
        label=label if signed_in else None,
        title=title,
        folded_title=fold(title),
        created_at=at,
        updated_at=at,
    )


def _lock(pk: uuid.UUID) -> Conversation:
    talk = Conversation.objects.select_for_update().filter(pk=pk).first()
    if talk is None:  # deleted this moment
        raise NotFound
    return talk


def _parent(talk: Conversation, pk: uuid.UUID | None) -> Message | None:
    if pk is None:
        return talk.messages.order_by("number").last()
    found = talk.messages.filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def _add_question(
    who: Speaker,
    talk: Conversation,
    parent: Message | None,
    text: str,
    *,
    language: str,
    at: datetime,
) -> Message:
    if talk.last_number + 2 > MOST_MESSAGES:
        raise ConversationFull(limit=MOST_MESSAGES)
    return Message.objects.create(
        conversation=talk,
        parent=parent,
        number=_next_number(talk),
        role=Role.USER,
        sesion_number=who.sesion_id,
        text=text,
        folded=fold(text),
        language=language,
        state=State.DONE,
        created_at=at,
        ended_at=at,
    )


def _begin(who: Speaker, question: Message, *, ref: str, at: datetime) -> Asked:
    talk = Conversation.objects.get(pk=question.conversation_id)
    if talk.last_number + 1 > MOST_MESSAGES:
        raise ConversationFull(limit=MOST_MESSAGES)
    answer = Message.objects.create(
        conversation=talk,
        parent=question,
        number=_next_number(talk),
        role=Role.ASSISTANT,
        sesion_number=who.sesion_id,
        language=question.language,
        state=State.GENERATING,
        ref=_ref_of(who, ref),
        created_at=at,
    )
    Conversation.objects.filter(pk=talk.pk).update(updated_at=at)
    announce(ASSISTANT_TALK, str(talk.pk))
    for tell in begun:
        transaction.on_commit(lambda tell=tell: tell(answer.pk), robust=True)  # type: ignore[misc]
    return Asked(talk.pk, question.pk, answer.pk)


def _asked_before(who: Speaker, ref: str) -> Asked | None:
    """What a client asked that did not hear whether it was taken, and asks again.

    Under the lock of the user: of two at once the second waits and finds the first one's.
    """
    key = _ref_of(who, ref)
    if key is None:
        return None
    if who.user_id is not None:
        User.objects.get_queryset().select_for_update().filter(pk=who.user_id).first()
    found = Message.objects.filter(ref=key).first()
    if found is None or found.parent_id is None:
        return None
    return Asked(found.conversation_id, found.parent_id, found.pk)


def _ref_of(who: Speaker, ref: str) -> str | None:
    """Only the same speaker's is the same."""
    if not ref:
        return None
    speaker = who.visitor if who.user_id is None else who.user_id
    return sha256(f"{speaker}:{ref}".encode()).hexdigest()


def _next_number(talk: Conversation) -> int:
    """Only with the row locked."""
    talk.last_number += 1
    Conversation.objects.filter(pk=talk.pk).update(last_number=talk.last_number)
    return talk.last_number


def _stop(which: MessageQuerySet, *, at: datetime) -> None:
    for pk in list(which.generating().values_list("pk", flat=True)):
        left = Message.objects.left_at(at).filter(pk=pk)
        # Nobody writes it: it ends here, and whoever wakes up late finds another number.
        ended = left.update(
            state=State.STOPPED, ended_at=at, owner="", lease_until=None, fence=F("fence") + 1
        )
        if ended:
            announce(ASSISTANT_ANSWER, str(pk))
            continue
        Message.objects.generating().filter(pk=pk).update(wants_stop=True)
        _tell_stop(pk)


def _tell_stop(pk: uuid.UUID) -> None:
    announce(ASSISTANT_STOP, str(pk))
    for tell in stopped:
        transaction.on_commit(lambda tell=tell: tell(pk), robust=True)  # type: ignore[misc]
