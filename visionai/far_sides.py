"""The operator's page of the assistant's providers: which one is left alone, and ask it again."""

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from assistant import health


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """A POST with the `name` of a provider closes its breaker."""
    sides = health.far_sides()
    if request.method == "POST":
        chosen = [one for one in sides if one.name == request.POST.get("name")]
        if not chosen:
            raise Http404
        chosen[0].close()
        messages.success(request, _("It is asked again from now on."))
        return redirect("far-sides")
    rows: list[dict[str, Any]] = []
    for one in sides:
        phase, wait_s = one.phase()
        rows.append({"side": one, "phase": phase, "wait_s": round(wait_s)})
    title = _("Providers of the assistant")
    facts = admin.site.each_context(request) | {"title": title, "rows": rows}
    return render(request, "admin/far_sides.html", facts)


view = admin.site.admin_view(page)
