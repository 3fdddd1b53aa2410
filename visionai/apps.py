from django.apps import AppConfig


class VisionaiConfig(AppConfig):
    name = "visionai"

    def ready(self) -> None:
        from visionai import hooks

        hooks.connect()
