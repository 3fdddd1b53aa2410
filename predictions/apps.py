from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PredictionsConfig(AppConfig):
    name = "predictions"
    verbose_name = _("Predictions")

    def ready(self) -> None:
        from predictions import duties
        from predictions.versions import fill_catalogue  # needs the models

        post_migrate.connect(fill_catalogue, sender=self, dispatch_uid="predictions catalogue")
        duties.register()
