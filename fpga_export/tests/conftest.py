"""Every test has a folder of its own for what exports leave on the disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from fpga_export import services
from fpga_export.tasks import run_export

PASSWORD = "un-tranvía-amarillo-27"


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user(
        username="ada", email="ada@example.org", password="un-tranvía-amarillo-27"
    )


@pytest.fixture
def eve(db: None) -> User:
    return User.objects.create_user(
        username="eve", email="eve@example.org", password="un-tranvía-amarillo-27"
    )


@pytest.fixture
def at_once(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> Callable[[Callable[[], Any]], Any]:
    """Does something, and then what it sent to the worker."""

    def sent(args: list[int], **_: object) -> None:
        services.run(args[0])

    def act(action: Callable[[], Any]) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return action()

    monkeypatch.setattr(run_export, "apply_async", sent)
    return act
