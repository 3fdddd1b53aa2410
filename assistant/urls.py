"""Pages for people."""

from django.urls import path

from assistant import views

urlpatterns = [
    path("asistente/", views.chat, name="chat"),
    path("asistente/<uuid:conversation>/", views.chat, name="chat-one"),
    path("objetos/", views.objects, name="objects"),
]
