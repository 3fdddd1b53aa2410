"""Pages about one's own account."""

from typing import cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.forms import EraseForm, ProfileForm
from accounts.models import User


@login_required
def account(request: HttpRequest) -> HttpResponse:
    user = cast("User", request.user)
    form = ProfileForm(initial={"name": user.name, "email": user.email})
    return render(request, "accounts/account.html", {"form": form})


@login_required
def erase(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/erase.html", {"form": EraseForm()})
