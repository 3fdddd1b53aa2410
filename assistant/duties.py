"""What this app has a serving process do beside answering requests."""

from assistant import services
from assistant.answering import answering
from assistant.listening import listening
from assistant.providers import children
from assistant.services import ASSISTANT_ANSWER, ASSISTANT_STOP, ASSISTANT_TALK
from sessions_app import changes
from visionai.lib.runtime import runtime

SWEEP = 2.0  # seconds


def register() -> None:
    services.begun.append(answering.begin)
    services.stopped.append(answering.halt)
    changes.listen(ASSISTANT_ANSWER, listening.told_text)
    changes.listen(ASSISTANT_TALK, listening.told_text)
    changes.listen(ASSISTANT_STOP, answering.halt_text)
    runtime.on_start(answering.start)
    runtime.on_stop(answering.stop)
    runtime.on_stop(children.end_all)
    runtime.every(SWEEP, answering.sweep)
