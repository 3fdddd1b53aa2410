"""What this app has a serving process do beside answering."""

from predictions import inference
from predictions.adoption import adopt_in_background
from predictions.consents import forget_consent
from predictions.log_buffer import FLUSH_SECONDS, log_buffer
from predictions.services import CONSENT_WITHDRAWN
from sessions_app.changes import MODEL_ACTIVATED, listen
from visionai.lib.runtime import runtime


def register() -> None:
    listen(MODEL_ACTIVATED, inference.swap)
    listen(CONSENT_WITHDRAWN, forget_consent)
    runtime.on_start(start_engine)
    runtime.on_start(adopt_in_background)
    runtime.on_stop(log_buffer.flush)
    runtime.on_stop(inference.stop)  # goes first, so that its last answers are flushed
    runtime.every(FLUSH_SECONDS, log_buffer.flush)


def start_engine() -> None:
    inference.engine()
