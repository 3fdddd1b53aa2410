"""Pages for people."""

from django.urls import path

from contact import views

urlpatterns = [
    path("contacto/", views.write, name="contact"),
    path("mensajes/", views.inbox, name="inbox"),
    path("mensajes/<int:message_id>/leido/", views.mark, name="inbox-mark"),
    path("mensajes/<int:message_id>/borrar/", views.delete, name="inbox-delete"),
]
