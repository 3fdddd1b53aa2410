"""Pages for people."""

from django.urls import path

from predictions import model_views, views

urlpatterns = [
    path("camara/", views.camera, name="camera"),
    path("foto/", views.photo, name="photo"),
    path("panel/", views.dashboard, name="dashboard"),
    path("panel/emocion/<slug:name>/", views.dashboard_emotion, name="dashboard-emotion"),
    path("letras/", views.letters, name="letters"),
    path("modelo/", model_views.emotions, name="model"),
    path("modelo/letras/", model_views.letters, name="model-letters"),
    path("historial/", views.history, name="history"),
    path("historial/borrar/", views.history_delete, name="history-delete"),
]
