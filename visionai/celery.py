"""The Celery application; `manage.py up` starts its workers."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "visionai.settings")

app = Celery("visionai")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
