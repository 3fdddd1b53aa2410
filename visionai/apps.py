from django.apps import AppConfig


class VisionaiConfig(AppConfig):
    name = "visionai"
