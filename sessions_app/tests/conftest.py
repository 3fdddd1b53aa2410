from collections.abc import Iterator

import pytest

from sessions_app import services


@pytest.fixture(autouse=True)
def _nothing_noted() -> Iterator[None]:
    """Ids repeat from test to test, so activity must not outlive one."""
    yield
    services._noted.clear()
    services._recent.clear()
