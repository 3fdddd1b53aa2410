"""`/docs` and the schema behind it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.permissions import AllowAny

schema = SpectacularJSONAPIView.as_view(authentication_classes=[], permission_classes=[AllowAny])


def page(request: HttpRequest) -> HttpResponse:
    """Swagger UI, with every asset from this server."""
    return render(request, "docs.html")
