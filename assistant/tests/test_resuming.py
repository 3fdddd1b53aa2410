"""`make assay-chat` runs the long form: ROUNDS of each kind, SEED."""

import os
import random
from collections.abc import Iterator

import pytest

from assistant.tests.resuming import Stand, dropped, reloaded, restarted
from sessions_app.tests.servers import KEYS, log_in
from tests.services.fixtures import Serve
from tests.services.openai_server import OpenAIServer

pytestmark = pytest.mark.server
ROUNDS = int(os.environ.get("ROUNDS", "10"))
SEED = int(os.environ.get("SEED", "1"))


@pytest.fixture(scope="module")
def stand(serve_module: Serve) -> Iterator[Stand]:
    with OpenAIServer() as far:
        far.behave(delay_s=0.02)
        server = serve_module(OPENAI_BASE_URL=far.base_url, OPENAI_CHAT_MODEL="small", **KEYS)
        (login,) = log_in(server)
        yield Stand(server, far, login.token, random.Random(SEED))


def test_an_answer_goes_on_after_a_dropped_line(stand: Stand) -> None:
    before = len(stand.far.answers) - stand.asked
    for _ in range(ROUNDS):
        dropped(stand)
    assert len(stand.far.answers) - stand.asked == before  # no answer was asked for twice


def test_an_answer_goes_on_after_a_reload_and_in_a_second_tab(stand: Stand) -> None:
    before = len(stand.far.answers) - stand.asked
    for _ in range(ROUNDS):
        reloaded(stand)
    assert len(stand.far.answers) - stand.asked == before


def test_an_answer_goes_on_after_its_server_was_killed(stand: Stand) -> None:
    for number in range(ROUNDS):
        restarted(stand, kill=number % 5 != 4)
