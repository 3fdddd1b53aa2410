"""Pages for people."""

from django.urls import path, re_path

from sessions_app import account_views, billing_views, views

urlpatterns = [
    path("cuenta/entrar/", views.sign_in, name="sign-in"),
    path("cuenta/salir/", views.sign_out, name="sign-out"),
    path("cuenta/registro/", views.register, name="register"),
    path("cuenta/primera/<str:token>/", views.setup, name="setup"),
    path("cuenta/", account_views.account, name="account"),
    path("cuenta/borrar/", account_views.erase, name="account-erase"),
    path("cuenta/contrasena/", account_views.password_change, name="password-change"),
    path("cuenta/recuperar/", account_views.password_reset, name="password-reset"),
    path(
        "cuenta/recuperar/<str:uid>/<str:token>/",
        account_views.password_reset_confirm,
        name="password-reset-confirm",
    ),
    path("cuenta/uso/", billing_views.usage, name="usage"),
    path("cuenta/facturas/", billing_views.invoices, name="invoice"),
    re_path(
        r"^cuenta/facturas/(?P<number>\d{4}-\d{1,9})/$", billing_views.invoice, name="invoice-one"
    ),
    path("sesiones/", views.my_sessions, name="my-sessions"),
    path("sesiones/otras/terminar/", views.end_other_sessions, name="my-sessions-end-others"),
    path("sesiones/<int:sid>/terminar/", views.end_one_session, name="my-sessions-end"),
]
