"""Pages for people."""

from django.urls import path

from assistant import help_views, views

urlpatterns = [
    path("asistente/", views.chat, name="chat"),
    path("asistente/<uuid:conversation>/", views.chat, name="chat-one"),
    path("objetos/", views.objects, name="objects"),
    path("senas/", views.spelling, name="spelling"),
    path("ayuda/", help_views.help_index, name="help"),
    path("ayuda/<slug:slug>/", help_views.help_page, name="help-page"),
]
