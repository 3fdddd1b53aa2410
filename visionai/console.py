"""Puts our console in the place of Django's admin site."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    default_site = "sessions_app.admin_site.ConsoleSite"
