"""The frame of the chat page; what happens in it is tried in a real browser."""

import json
import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.tests.factories import a_user
from assistant.tests.factories import a_conversation

pytestmark = pytest.mark.django_db
PAGE = {"Accept": "text/html"}
NOBODYS = "/asistente/0b7d1f4e-53a5-4a2f-9a51-6c9f3b8f1c11/"


def text(response: Any) -> str:
    words: str = response.content.decode()
    return words


def test_a_visitor_may_ask_and_is_told_what_an_account_adds(client: Client) -> None:
    page = text(client.get("/asistente/", headers=PAGE))
    assert 'data-signed-in="no"' in page
    assert "/cuenta/entrar/?next=%2Fasistente%2F" in page
    assert 'id="attach"' not in page
    assert 'id="conversations"' not in page


def test_a_visitor_is_sent_to_sign_in_where_no_visitor_may_ask(
    client: Client, settings: Settings
) -> None:
    settings.ANONYMOUS_CHAT = False
    page = text(client.get("/asistente/", headers=PAGE))
    assert "responde a quien tiene cuenta" in page
    assert 'id="composer" hidden' in page
    assert "js/chat/page.js" not in page


def test_a_conversation_opens_for_its_owner_alone(client: Client) -> None:
    ada, eva = a_user("ada"), a_user("eva")
    path = f"/asistente/{a_conversation(ada).pk}/"
    response = client.get(path, headers=PAGE)
    assert response.status_code == 302
    assert response["Location"] == f"/cuenta/entrar/?next={quote(path, safe='')}"
    client.force_login(eva)
    assert client.get(path, headers=PAGE).status_code == 404
    assert client.get(NOBODYS, headers=PAGE).status_code == 404
    client.force_login(ada)
    assert f'data-conversation="{path[11:-1]}"' in text(client.get(path, headers=PAGE))


def test_who_is_signed_in_gets_the_list_and_the_limits(client: Client) -> None:
    client.force_login(a_user("ada"))
    page = text(client.get("/asistente/", headers=PAGE))
    found = re.search(r'data-limits="([^"]+)"', page)
    assert found
    limits = json.loads(unescape(found[1]))
    assert limits["pictureBytes"] == 10 * 1024 * 1024
    assert "image/webp" in limits["pictures"]
    assert "como mucho 6 archivos" in page


def test_the_browser_is_told_to_turn_no_text_into_markup(client: Client) -> None:
    policy = client.get("/asistente/", headers=PAGE)["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in policy
    assert "trusted-types 'none'" in policy
    assert "script-src 'self'" in policy
    assert "require-trusted-types-for" not in client.get("/")["Content-Security-Policy"]


def test_a_page_that_names_the_reader_is_kept_by_no_cache(client: Client) -> None:
    client.force_login(a_user("ada"))
    assert "no-store" in client.get("/asistente/")["Cache-Control"]


def test_home_and_rail_lead_to_the_assistant(client: Client) -> None:
    assert 'href="/asistente/"' in text(client.get("/"))
    client.force_login(a_user("ada"))
    assert "Preguntar al asistente" in text(client.get("/"))
