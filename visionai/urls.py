"""Every HTTP entrance: pages for people, the canonical API, and the originals' own paths."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.i18n import set_language

from visionai import docs, far_sides, views

urlpatterns = [
    path("", views.home, name="home"),
    path("idioma/", set_language, name="set_language"),
    path("", include("sessions_app.urls")),
    path("", include("predictions.urls")),
    path("", include("fpga_export.urls")),
    path("", include("trading.urls")),
    path("", include("contact.urls")),
    path("", include("assistant.urls")),
    path("admin/proveedores/", far_sides.view, name="far-sides"),
    path("admin/", admin.site.urls),
    re_path(r"^docs/?$", docs.page, name="docs"),
    re_path(r"^api/v1/schema/?$", docs.schema, name="schema"),
    path("api/v1/", include("sessions_app.api_urls")),
    path("api/v1/", include("predictions.api_urls")),
    path("api/v1/", include("fpga_export.api_urls")),
    path("api/v1/", include("trading.api_urls")),
    path("api/v1/", include("contact.api_urls")),
    path("api/v1/", include("assistant.api_urls")),
    path("", include("visionai.compat_urls")),
]

handler400 = "visionai.failures.bad_request"
handler403 = "visionai.failures.forbidden"
handler404 = "visionai.failures.not_found"
handler500 = "visionai.failures.server_error"
