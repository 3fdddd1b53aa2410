"""What this app has a serving process do beside answering."""

from importlib import import_module

from django.conf import settings
from django.utils import timezone

from sessions_app import changes, services
from sessions_app.models import RefreshUse
from sessions_app.open_sockets import open_sockets
from visionai.lib.runtime import runtime

SWEEP = 5.0  # seconds
RECONCILE = 5.0
WRITE_SOCKETS = 2.0
TIDY = 300.0


def register() -> None:
    changes.listen(changes.SESSION_ENDED, open_sockets.end_session)
    changes.listen(changes.SOCKET_CLOSED, open_sockets.close)
    runtime.on_stop(services.flush_activity)
    runtime.on_stop(open_sockets.withdraw)
    runtime.on_start(changes.feed.start)
    runtime.on_stop(changes.feed.stop)
    runtime.on_start(changes.push.start)
    runtime.on_stop(changes.push.stop)
    runtime.every(services.FLUSH, services.flush_activity)
    runtime.every(SWEEP, sweep_now)
    runtime.every(RECONCILE, open_sockets.reconcile)
    runtime.every(WRITE_SOCKETS, open_sockets.write)
    runtime.every(TIDY, tidy)


def sweep_now() -> None:
    services.sweep(at=timezone.now())


def tidy() -> None:
    """Remove what nobody needs any more: old news, spent cookie sessions and refreshes."""
    services.forget_pauses()
    changes.prune()
    RefreshUse.objects.exclude(sesion__fecha_fin=None).delete()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
