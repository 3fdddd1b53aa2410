"""What the broker must be shown, sealed for its owner, row and field; only a node opens it."""

from accounts import sealing
from accounts.hooks import SealedColumn
from trading.models import Challenge, Command, Credential, TradingSession

COLUMNS = (
    SealedColumn(Credential, "email"),
    SealedColumn(Credential, "password"),
    SealedColumn(Credential, "token"),
    SealedColumn(Command, "secret"),
    SealedColumn(Challenge, "secret"),
)


def seal(session: TradingSession, field: str, text: str) -> bytes:
    return sealing.seal(text, owner=_owner(session), row=str(session.pk), field=field)


def unseal(session: TradingSession, field: str, blob: bytes | memoryview) -> str:
    """Raises where the seal does not fit the owner, the session and the field."""
    owner, row = _owner(session), str(session.pk)
    return sealing.open_sealed(bytes(blob), owner=owner, row=row, field=field)


def keep(session: TradingSession, **texts: str | None) -> None:
    """Keep some of email, password and token; None forgets one."""
    blobs = {
        field: None if text is None else seal(session, field, text) for field, text in texts.items()
    }
    Credential.objects.update_or_create(session=session, defaults=blobs)


def kept(session: TradingSession, field: str) -> str | None:
    blob = Credential.objects.filter(session=session).values_list(field, flat=True).first()
    return None if blob is None else unseal(session, field, blob)


def has_login(session: TradingSession) -> bool:
    """Whether the node could connect without the person."""
    row = Credential.objects.filter(session=session).first()
    return row is not None and (row.token is not None or row.password is not None)


def forget_password(session: TradingSession) -> None:
    Credential.objects.filter(session=session).update(password=None, email=None)


def forget(session: TradingSession) -> None:
    """All of it: what a disconnected session keeps is nothing."""
    Credential.objects.filter(session=session).delete()


def _owner(session: TradingSession) -> str:
    return str(session.user_id)
