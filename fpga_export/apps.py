from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FpgaExportConfig(AppConfig):
    name = "fpga_export"
    verbose_name = _("Hardware")
    default_auto_field = "django.db.models.BigAutoField"
