"""Pages: to write to the people who run the place, and for them to read."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from contact import selectors
from contact.forms import MessageForm
from contact.models import ContactMessage
from contact.services import TooManyMessages, mark_read, send_message
from sessions_app.client import client_of
from sessions_app.models import Sesion

ROWS = 20


def staff_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A visitor is asked to sign in, anybody else but staff refused."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, **places: Any) -> HttpResponse:
        if not request.user.is_staff:
            raise PermissionDenied
        return view(request, **places)

    return guarded


def write(request: HttpRequest) -> HttpResponse:
    """The form; what was typed stays when the message is refused."""
    user = request.user if isinstance(request.user, User) else None
    known = {"name": user.name or user.username, "email": user.email or ""} if user else {}
    form = MessageForm(request.POST or None, initial=known)
    refusal: TooManyMessages | None = None
    if form.is_valid():
        sesion: Sesion | None = getattr(request, "sesion", None)
        try:
            send_message(
                **form.cleaned_data,
                trap=request.POST.get("website", ""),
                user=user,
                sesion_id=sesion.pk if sesion else None,
                ip=client_of(request).ip,
                at=timezone.now(),
            )
        except TooManyMessages as error:
            refusal = error
        else:
            messages.success(request, _("Thank you, your message has arrived."))
            return redirect("contact")
    words = refusal.sentence() if refusal else ""
    response = render(request, "contact/write.html", {"form": form, "refused": words})
    if refusal:
        response.status_code = refusal.status
        response["Retry-After"] = str(refusal.retry_after)
    return response


@staff_only
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """`?show=unread|all|suspect` and `?email=` of one sender."""
    show, email = request.GET.get("show", "all"), request.GET.get("email", "")
    rows = selectors.listed(
        is_read=False if show == "unread" else None, email=email, suspects=show == "suspect"
    )
    facts = {
        "page": Paginator(rows, ROWS).get_page(request.GET.get("page")),
        "senders": selectors.senders()[:ROWS],
        "show": show,
        "email": email,
        "unread": ContactMessage.objects.welcome().unread().count(),
        "suspects": ContactMessage.objects.filter(is_suspect=True).count(),
        "filter_query": "&" + urlencode({"show": show, "email": email}),
    }
    return render(request, "contact/inbox.html", facts)


@require_POST
@staff_only
def mark(request: HttpRequest, message_id: int) -> HttpResponse:
    message = get_object_or_404(ContactMessage, pk=message_id)
    mark_read(message, is_read=request.POST.get("read") != "0")
    return redirect(_back(request))


@require_POST
@staff_only
def delete(request: HttpRequest, message_id: int) -> HttpResponse:
    get_object_or_404(ContactMessage, pk=message_id).delete()
    messages.success(request, _("The message was deleted."))
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """The inbox as it was filtered."""
    kept = {name: request.POST[name] for name in ("show", "email") if request.POST.get(name)}
    return reverse("inbox") + ("?" + urlencode(kept) if kept else "")
