from django.apps import AppConfig


class SessionsAppConfig(AppConfig):
    name = "sessions_app"

    def ready(self) -> None:
        from sessions_app import browser, duties

        browser.connect_signals()
        duties.register()
