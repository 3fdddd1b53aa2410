"""The help says nothing that is not there."""

import gettext
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from accounts import lockout
from assistant.core.words import Language
from assistant.help_pages import FOLDER, SLUGS, anchor_of, pages
from fpga_export.core.limits import FILE_BYTES
from predictions.routing import websocket_urlpatterns as seeing
from sessions_app.models import Sesion
from sessions_app.services import absolute_limit, idle_limit
from trading.connections import CHALLENGE_LASTS
from trading.limits import OF_A_SESSION, OF_A_USER, RAISE_AFTER
from trading.real import FRESH
from trading.routing import websocket_urlpatterns as trading
from trading.services import ATTEMPTS
from visionai.lib.env import Environment

ROOT = Path(__file__).resolve().parents[2]
BOTH: tuple[Language, Language] = ("es", "en")
EVERY = [(language, slug) for language in BOTH for slug in SLUGS]


def catalogue() -> dict[Any, str]:
    with (ROOT / "locale/es/LC_MESSAGES/django.mo").open("rb") as file:
        found: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return found


def words_on_screen() -> dict[Language, set[str]]:
    english = {key if isinstance(key, str) else key[0] for key in catalogue()}
    return {
        "en": {text.rpartition("\x04")[2] for text in english},
        "es": set(catalogue().values()),
    }


def test_each_page_exists_in_both_languages_and_no_file_is_left_out() -> None:
    for language in BOTH:
        assert {path.stem for path in (FOLDER / language).glob("*.md")} == set(SLUGS)


@pytest.mark.parametrize("slug", SLUGS)
def test_both_languages_have_the_same_sections_steps_and_links(slug: str) -> None:
    spanish, english = pages("es")[slug], pages("en")[slug]
    assert len(spanish.sections) == len(english.sections)
    for here, there in zip(spanish.sections, english.sections, strict=True):
        for sign in (r"^\d\. ", r"^- ", r"\]\((\S+)\)", r"\*\*"):
            one = re.findall(sign, here.text, re.MULTILINE)
            assert one == re.findall(sign, there.text, re.MULTILINE), (here.heading, sign)


@pytest.mark.parametrize(("language", "slug"), EVERY)
def test_each_path_that_a_page_names_exists(language: Language, slug: str) -> None:
    text = pages(language)[slug].text
    named = re.findall(r"\]\((/[^)\s]*)\)|`(?:[A-Z]+ )?(/[^`\s]*)`", text)
    for link, path in named:
        where = link or path
        if where.startswith("/ws"):
            known = [str(route.pattern) for route in (*seeing, *trading)]
            assert any(re.match(one, where.strip("/")) for one in known), where
        elif where.startswith("/ayuda/"):
            assert where.split("/")[2] in SLUGS, where
        else:
            resolve(where)


@pytest.mark.parametrize(("language", "slug"), EVERY)
def test_each_button_that_a_page_names_is_on_some_page_in_these_words(
    language: Language, slug: str
) -> None:
    known = words_on_screen()[language]
    named = re.findall(r"\*\*(.+?)\*\*", pages(language)[slug].text)
    assert [name for name in named if name not in known] == []


@pytest.mark.parametrize(("language", "slug"), EVERY)
@pytest.mark.django_db
def test_everybody_may_read_each_page(client: Client, language: Language, slug: str) -> None:
    client.cookies["django_language"] = language
    page = pages(language)[slug]
    body = client.get(f"/ayuda/{slug}/").content.decode()
    assert f"<h1>{page.title}</h1>" in body
    for section in page.sections[1:]:
        assert f'<h2 id="{anchor_of(section.heading)}">' in body


@pytest.mark.django_db
def test_an_unknown_page_is_not_found(client: Client) -> None:
    assert client.get("/ayuda/nada/").status_code == 404


@pytest.mark.django_db
def test_the_index_lists_all_pages_and_searches_them(client: Client) -> None:
    everything = client.get("/ayuda/").content.decode()
    assert all(f'href="/ayuda/{slug}/"' in everything for slug in SLUGS)
    found = client.get("/ayuda/", {"q": "facturas"}).content.decode()
    first = re.findall(r'href="/ayuda/(\w+)/"', found.split('id="found"')[1])[0]
    assert first == "uso"
    nothing = client.get("/ayuda/", {"q": "<b>xyzzyq</b>"}).content.decode()
    assert "&lt;b&gt;xyzzyq" in nothing
    assert "<b>xyzzyq" not in nothing


def figures(slug: str) -> set[str]:
    """Numbers of the English page, without their parts of thousands."""
    text = re.sub(r"(?<=\d),(?=\d{3})", "", pages("en")[slug].text)
    return set(re.findall(r"\d+(?:\.\d+)?", text))


def test_the_figures_that_the_help_names_are_the_product_s_own() -> None:
    assert OF_A_SESSION.daily_loss == Decimal(500)
    assert OF_A_USER.daily_loss == Decimal(1000)
    assert {"500", "1000", "24", "15"} <= figures("limites")
    assert (timedelta(hours=24), timedelta(minutes=15)) == (RAISE_AFTER, FRESH)
    browser = Sesion.Kind.BROWSER
    assert (idle_limit(browser), absolute_limit(browser)) == (
        timedelta(minutes=30),
        timedelta(hours=12),
    )
    assert {"30", "12"} <= figures("sesiones")
    assert (timedelta(minutes=5), 5) == (CHALLENGE_LASTS, ATTEMPTS)
    assert "five minutes and five tries" in pages("en")["trading"].text
    assert FILE_BYTES == 50 * 2**20
    assert "50" in figures("redes")
    assert Environment.model_fields["prediction_retention_days"].default == 365
    assert "365" in figures("historial")
    assert lockout.LIMITS[lockout.CONTACT].per_address == 10
    assert lockout.LIMITS[lockout.SIGN_IN].per_pair == 10


@pytest.mark.django_db
def test_the_help_s_shares_of_right_answers_are_those_of_the_model_pages(client: Client) -> None:
    client.cookies["django_language"] = "en"
    shown = client.get("/modelo/").content.decode() + client.get("/modelo/letras/").content.decode()
    for slug in ("modelo", "letras"):
        shares = re.findall(r"\d+\.\d %", pages("en")[slug].text)
        assert len(shares) == 2
        assert [share for share in shares if share.replace(" ", "") not in bare(shown)] == []


def bare(page: str) -> str:
    return re.sub(r"[\s\xa0\u202f]", "", page)
