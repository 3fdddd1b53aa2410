"""Whose consent to the camera this process knows of, so that no frame costs a query."""

from predictions.services import has_consented

_known: set[int] = set()


def is_known(user_id: int) -> bool:
    """Whether the consent was looked up before and not withdrawn since."""
    return user_id in _known


def look_up(user_id: int) -> bool:
    """Ask the database, and remember a yes until it is withdrawn."""
    _known.add(user_id)  # first, so that a withdrawal during the question is not overwritten
    if not has_consented(user_id):
        _known.discard(user_id)
    return user_id in _known


def forget_consent(subject: str) -> None:
    """The user with that id has withdrawn it."""
    _known.discard(int(subject))
