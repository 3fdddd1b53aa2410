"""Pages for people."""

from django.urls import path

from assistant import views

urlpatterns = [path("objetos/", views.objects, name="objects")]
