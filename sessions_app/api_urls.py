"""The canonical paths of this app, below `/api/v1/`."""

from django.urls import re_path

from sessions_app import account_api, auth_api, billing_api, sessions_api, users_api

urlpatterns = [
    re_path(r"^auth/register/?$", auth_api.register, name="api-register"),
    re_path(r"^auth/login/?$", auth_api.login, name="api-login"),
    re_path(r"^auth/refresh/?$", auth_api.refresh, name="api-refresh"),
    re_path(r"^auth/verify/?$", auth_api.verify, name="api-verify"),
    re_path(r"^auth/logout/?$", auth_api.logout, name="api-logout"),
    re_path(r"^auth/users/me/?$", auth_api.me, name="api-me"),
    re_path(r"^auth/password/?$", auth_api.password, name="api-password"),
    re_path(r"^auth/password/reset/?$", auth_api.reset, name="api-password-reset"),
    re_path(
        r"^auth/password/reset/confirm/?$",
        auth_api.reset_confirm,
        name="api-password-reset-confirm",
    ),
    re_path(r"^auth/firebase/link/?$", auth_api.firebase_link, name="api-firebase-link"),
    re_path(r"^account/?$", account_api.erase, name="api-account"),
    re_path(r"^account/export/?$", account_api.export, name="api-account-export"),
    re_path(r"^users/?$", users_api.users, name="api-users"),
    re_path(r"^users/(?P<user_id>\d{1,18})/?$", users_api.user, name="api-user"),
    re_path(r"^usage/?$", billing_api.usage, name="api-usage"),
    re_path(r"^invoices/?$", billing_api.invoices, name="api-invoices"),
    re_path(r"^invoices/current/?$", billing_api.current, name="api-invoice-current"),
    re_path(r"^invoices/(?P<number>\d{4}-\d{1,9})/?$", billing_api.invoice, name="api-invoice"),
    re_path(r"^sessions/?$", sessions_api.list_sessions, name="api-sessions"),
    re_path(r"^sessions/others/?$", sessions_api.end_others, name="api-sessions-others"),
    re_path(r"^sessions/(?P<sesion_id>\d{1,18})/?$", sessions_api.end_one, name="api-session"),
]
