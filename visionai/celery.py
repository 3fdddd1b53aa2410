"""The Celery application; `manage.py up` starts its workers."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visionai.settings")

app = Celery("visionai")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect  # type: ignore[untyped-decorator]
def show_life(**_facts: Any) -> None:
    """Let `/status` see that this worker lives, by the queues that it serves."""
    from visionai import pulses  # Django is set up by now

    pulses.keep_giving(app.amqp.queues.consume_from)
