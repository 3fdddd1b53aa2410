from django.apps import AppConfig


class VisionaiConfig(AppConfig):
    name = "visionai"

    def ready(self) -> None:
        from visionai import celery, hooks

        celery.app.set_default()  # or tasks would look for a broker that nobody set
        hooks.connect()
