"""Camera, photo, dashboard and history, as owner, stranger and anonymous."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import a_user
from predictions import model_cards
from predictions.models import CameraConsent, PredictionLog
from predictions.services import CONSENT_TEXT_VERSION
from predictions.tests.factories import NOON, a_row

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(client: Client) -> User:
    """Signed in."""
    user = a_user("ada")
    client.force_login(user)
    return user


def test_the_camera_asks_once(client: Client, ada: User) -> None:
    page = client.get("/camara/")
    assert b'id="start"' not in page.content
    assert "art. 5.1.f" in page.content.decode()
    client.post("/camara/")
    consent = CameraConsent.objects.get(user=ada)
    assert consent.text_version == CONSENT_TEXT_VERSION
    assert b'id="start"' in client.get("/camara/").content


def test_a_consent_can_be_withdrawn_on_the_camera_page(client: Client, ada: User) -> None:
    client.post("/camara/")
    client.post("/camara/", {"withdraw": "1"})
    assert not CameraConsent.objects.filter(user=ada).exists()
    assert b'id="start"' not in client.get("/camara/").content


def test_a_stranger_reads_photos_without_a_history(client: Client) -> None:
    page = client.get("/foto/").content.decode()
    assert "/cuenta/entrar/?next=/foto/" in page
    assert "Eileen Collins" in page
    assert "James S. Davis" in page


def test_an_empty_dashboard_says_what_to_do_first(client: Client, ada: User) -> None:
    a_row(a_user("eve"))
    page = client.get("/panel/").content.decode()
    assert "Aún no tienes lecturas" in page
    assert "/camara/" in page


def test_the_dashboard_counts_mine_or_all(client: Client, ada: User) -> None:
    a_row(ada, emotion="sad", at=timezone.now())
    a_row(a_user("eve"), emotion="fear", at=timezone.now())
    mine = client.get("/panel/")
    assert mine.context["stats"].total_predictions == 1
    assert [row.user_id for row in mine.context["recent"]] == [ada.pk]
    everybody = client.get("/panel/?mine=0&days=30")
    assert everybody.context["stats"].total_predictions == 2
    assert len(everybody.context["timeline"]) == 30
    assert everybody.context["recent"] == []  # rows of others are for staff


def test_staff_see_the_rows_of_all(client: Client) -> None:
    a_row(a_user("eve"))
    client.force_login(a_user("root", role="admin"))
    assert len(client.get("/panel/?mine=0").context["recent"]) == 1


def test_a_visitor_sees_counts_and_no_rows(client: Client) -> None:
    a_row(a_user("eve"))
    response = client.get("/panel/?mine=1")
    assert response.context["stats"].total_predictions == 1
    assert response.context["recent"] == []
    assert b"192.0.2.7" not in response.content


def test_one_emotion_has_its_page(client: Client, ada: User) -> None:
    a_row(ada, emotion="sad", confidence=0.6, at=timezone.now())
    a_row(ada, emotion="fear", at=timezone.now())
    response = client.get("/panel/emocion/sad/?days=14")
    assert response.context["detail"].total_predictions == 1
    assert response.context["share"] == 0.5
    assert len(response.context["timeline"]) == 14
    assert client.get("/panel/emocion/joy/").status_code == 404


def test_the_history_shows_ones_own_rows_by_emotion_and_day(client: Client, ada: User) -> None:
    first = a_row(ada, emotion="sad", at=NOON)
    second = a_row(ada, emotion="fear", at=NOON + timedelta(days=1))
    a_row(a_user("eve"))

    def shown(query: str) -> list[int]:
        return [row.pk for row in client.get(f"/historial/?{query}").context["page"]]

    assert shown("") == [second.pk, first.pk]
    assert shown("emotion=sad") == [first.pk]
    assert shown("from=2026-05-05") == [second.pk]
    assert shown("to=2026-05-04") == [first.pk]
    assert shown("emotion=joy") == []
    assert shown("from=yesterday") == []


def test_the_history_exports_what_its_filter_shows(client: Client, ada: User) -> None:
    row = a_row(ada, emotion="sad", at=NOON)
    a_row(ada, emotion="sad", at=NOON + timedelta(days=1))
    a_row(ada, emotion="fear", at=NOON)
    page = client.get("/historial/?emotion=sad&from=2026-05-04&to=2026-05-04")
    link = f"/api/v1/predictions/export?format=json{page.context['export_query']}"
    assert link.replace("&", "&amp;") in page.content.decode()
    exported = client.get(link).json()
    rows = exported if isinstance(exported, list) else exported["predictions"]
    assert [one["id"] for one in rows] == [row.pk]


def test_nothing_is_deleted_without_a_second_word(client: Client, ada: User) -> None:
    kept, gone, foreign = a_row(ada), a_row(ada), a_row(a_user("eve"))
    asked = {"what": "selected", "id": [gone.pk, foreign.pk], "back": "/historial/?page=1"}
    question = client.post("/historial/borrar/", asked)
    assert "¿Borrar 1 lectura?" in question.content.decode()
    assert PredictionLog.objects.count() == 3
    answer = client.post("/historial/borrar/", asked | {"sure": "yes"})
    assert answer["Location"] == "/historial/?page=1"
    assert set(PredictionLog.objects.all()) == {kept, foreign}


def test_one_row_is_deleted_by_its_own_button(client: Client, ada: User) -> None:
    kept, gone = a_row(ada), a_row(ada)
    question = client.post("/historial/borrar/", {"only": gone.pk, "id": [kept.pk]})
    kept_fields = dict(question.context["kept"])
    client.post("/historial/borrar/", kept_fields | {"sure": "yes"})
    assert list(PredictionLog.objects.all()) == [kept]


def test_what_the_filter_shows_is_deleted_together(client: Client, ada: User) -> None:
    a_row(ada, emotion="sad")
    kept = a_row(ada, emotion="fear")
    asked = {"what": "filtered", "filter": "&emotion=sad", "sure": "yes"}
    client.post("/historial/borrar/", asked)
    assert list(PredictionLog.objects.all()) == [kept]


def test_all_of_ones_own_are_deleted_together(client: Client, ada: User) -> None:
    a_row(ada)
    foreign = a_row(a_user("eve"))
    client.post("/historial/borrar/", {"what": "all", "sure": "yes"})
    assert list(PredictionLog.objects.all()) == [foreign]


def test_deleting_nothing_says_so(client: Client, ada: User) -> None:
    a_row(ada)
    response = client.post("/historial/borrar/", {"what": "selected"}, follow=True)
    assert "Elige al menos una lectura" in response.content.decode()


def test_the_question_asked_again_leads_back(client: Client, ada: User) -> None:
    assert client.get("/historial/borrar/")["Location"] == "/historial/"


def test_the_way_back_leads_nowhere_else(client: Client, ada: User) -> None:
    a_row(ada)
    asked = {"what": "all", "sure": "yes", "back": "https://evil.example/historial/"}
    assert client.post("/historial/borrar/", asked)["Location"] == "/historial/"


@pytest.mark.parametrize("path", ["/historial/", "/camara/"])
def test_a_stranger_must_sign_in(client: Client, path: str) -> None:
    assert client.get(path)["Location"] == f"/cuenta/entrar/?next={path}"


def test_a_stranger_deletes_nothing(client: Client) -> None:
    a_row(a_user("eve"))
    response = client.post("/historial/borrar/", {"what": "all", "sure": "yes"})
    assert response.status_code == 302
    assert PredictionLog.objects.count() == 1


def test_home_shows_a_stranger_the_way_and_a_user_the_last_rows(client: Client) -> None:
    assert "Cómo empezar" in client.get("/").content.decode()
    ada = a_user("ada")
    client.force_login(ada)
    assert "Aún no se ha leído nada" in client.get("/").content.decode()
    row = a_row(ada)
    assert client.get("/").context["recent"] == [row]


@pytest.mark.parametrize("signed_in", [False, True])
def test_letters_are_for_everybody(client: Client, signed_in: bool) -> None:
    if signed_in:
        client.force_login(a_user("ada"))
    page = client.get("/letras/")
    assert page.status_code == 200
    assert b'id="take"' in page.content


def test_the_letters_page_says_when_its_network_is_missing(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_cards, "SHIPPED", tmp_path)
    assert b'id="not-installed"' in client.get("/letras/").content
    (tmp_path / "letters-v2.json").write_text('{"tag": "letters-v2"}')
    assert b'id="not-installed"' not in client.get("/letras/").content
