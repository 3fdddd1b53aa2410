"""What holds for every page: language, theme, policy, and failures in the same look."""

import pytest
from django.test import Client

PAGE = {"Accept": "text/html"}
OPEN = [
    "/",
    "/asistente/",
    "/foto/",
    "/panel/",
    "/cuenta/entrar/",
    "/cuenta/registro/",
    "/cuenta/recuperar/",
]


@pytest.mark.django_db
@pytest.mark.parametrize("path", OPEN)
def test_a_page_is_spanish_unless_english_was_chosen(client: Client, path: str) -> None:
    english_browser = PAGE | {"Accept-Language": "en-GB,en"}
    assert b'<html lang="es"' in client.get(path, headers=english_browser).content
    client.post("/idioma/", {"language": "en", "next": path})
    assert b'<html lang="en"' in client.get(path, headers=PAGE).content


@pytest.mark.django_db
@pytest.mark.parametrize("path", OPEN)
def test_a_page_has_no_script_or_style_of_its_own(client: Client, path: str) -> None:
    response = client.get(path, headers=PAGE)
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    text = response.content.decode()
    assert " style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text
    assert text.count("<script") == text.count('<script type="module" src=') + text.count(
        "<script src="
    )


@pytest.mark.django_db
def test_the_theme_that_somebody_chose_is_kept(client: Client) -> None:
    assert b"data-theme" not in client.get("/").content
    client.cookies["theme"] = "dark"
    assert b'data-theme="dark"' in client.get("/").content
    client.cookies["theme"] = '"><script>'
    assert b"data-theme" not in client.get("/").content


@pytest.mark.django_db
def test_a_lost_visitor_gets_a_page_and_a_program_a_document(client: Client) -> None:
    page = client.get("/no-hay/", headers=PAGE)
    assert page.status_code == 404
    assert "Aquí no hay nada" in page.content.decode()
    document = client.get("/no-hay/")
    assert document.status_code == 404
    assert document["Content-Type"] == "application/problem+json"
    assert document.json()["code"] == "not_found"
    below = client.get("/api/v1/no-hay", headers=PAGE)
    assert below["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_a_form_without_its_token_says_what_to_do() -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.post("/cuenta/entrar/", {"login": "ada"}, headers=PAGE)
    assert response.status_code == 403
    assert "El formulario era demasiado antiguo" in response.content.decode()


@pytest.mark.django_db
def test_a_fault_is_shown_without_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_all: object, **_more: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("predictions.selectors.stats", break_down)
    client.raise_request_exception = False
    response = client.get("/panel/", headers=PAGE)
    assert response.status_code == 500
    assert "Algo se ha roto" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/camara/", "/historial/", "/sesiones/", "/cuenta/", "/cuenta/contrasena/"]
)
def test_a_stranger_is_sent_to_sign_in(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response["Location"] == f"/cuenta/entrar/?next={path}"
