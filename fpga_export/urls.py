"""Pages for people."""

from django.urls import path

from fpga_export import views

urlpatterns = [
    path("hardware/", views.home, name="hardware"),
    path("hardware/subir/", views.upload, name="hardware-upload"),
    path("hardware/imagen/", views.image, name="hardware-image"),
    path("hardware/redes/<str:name>/", views.network, name="hardware-network"),
    path("hardware/redes/<str:name>/borrar/", views.remove_network, name="hardware-remove"),
    path("hardware/redes/<str:name>/capas/<str:layer>/", views.layer, name="hardware-layer"),
    path("hardware/redes/<str:name>/<str:kind>/", views.start, name="hardware-start"),
    path("hardware/trabajos/<str:session_id>/", views.export, name="hardware-export"),
    path("hardware/trabajos/<str:session_id>/cancelar/", views.cancel, name="hardware-cancel"),
    path("hardware/trabajos/<str:session_id>/sintesis/", views.netlist, name="hardware-netlist"),
    path("hardware/trabajos/<str:session_id>/borrar/", views.remove, name="hardware-delete"),
]
