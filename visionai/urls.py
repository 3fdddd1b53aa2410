"""Every HTTP entrance: pages for people, the canonical API, and the originals' own paths."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("sessions_app.api_urls")),
    path("", include("visionai.compat_urls")),
]
