"""Pages for people."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("cuenta/", views.account, name="account"),
    path("cuenta/borrar/", views.erase, name="account-erase"),
]
