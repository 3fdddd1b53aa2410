"""The pages to come in and to leave, and those about one's account."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import lockout
from accounts.invitations import make_invitation
from accounts.models import User
from accounts.setup import make_setup_link
from accounts.tests.factories import PASSWORD, a_user, an_administrator
from sessions_app import tasks
from sessions_app.models import Sesion

pytestmark = pytest.mark.django_db
NEW = "otra-frase-larga-y-rara"
PAGE = {"Accept": "text/html"}


@pytest.fixture
def ada(client: Client) -> User:
    """Signed in."""
    user = a_user("ada", email="ada@example.org", name="Ada")
    client.force_login(user)
    return user


def text(response: Any) -> str:
    words: str = response.content.decode()
    return words


def test_signing_in_leads_where_the_visitor_wanted_to_go(client: Client) -> None:
    a_user("ada")
    assert 'value="/historial/"' in text(client.get("/cuenta/entrar/?next=/historial/"))
    response = client.post(
        "/cuenta/entrar/", {"login": "ADA", "password": PASSWORD, "next": "/historial/"}
    )
    assert response["Location"] == "/historial/"
    assert Sesion.objects.get().kind == Sesion.Kind.BROWSER
    assert client.get("/cuenta/entrar/")["Location"] == "/"


def test_signing_in_never_leads_to_another_site(client: Client) -> None:
    a_user("ada")
    data = {"login": "ada", "password": PASSWORD, "next": "https://evil.example/"}
    assert client.post("/cuenta/entrar/", data)["Location"] == "/"


def test_a_wrong_password_keeps_the_name_that_was_typed(client: Client) -> None:
    a_user("ada")
    response = client.post("/cuenta/entrar/", {"login": "ada", "password": "wrong"})
    assert response.status_code == 200
    assert 'value="ada"' in text(response)
    assert "wrong" not in text(response)
    assert "no son correctos" in text(response)


def test_a_lock_out_says_how_long_it_lasts(client: Client) -> None:
    a_user("ada")
    for _try in range(lockout.LIMITS[lockout.SIGN_IN].per_pair):
        client.post("/cuenta/entrar/", {"login": "ada", "password": "wrong"})
    response = client.post("/cuenta/entrar/", {"login": "ada", "password": PASSWORD})
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "Han fallado demasiados intentos" in text(response)
    assert 'value="ada"' in text(response)


def test_signing_out_ends_the_session_and_needs_a_post(client: Client, ada: User) -> None:
    assert client.get("/cuenta/salir/").status_code == 405
    client.post("/cuenta/salir/")
    assert Sesion.objects.get().end_reason == Sesion.EndReason.LOGOUT
    assert client.get("/cuenta/").status_code == 302


def test_registering_signs_in(client: Client) -> None:
    data = {"username": "ada", "email": "", "password": NEW, "next": "/camara/"}
    assert client.post("/cuenta/registro/", data)["Location"] == "/camara/"
    assert client.get("/cuenta/").status_code == 200
    assert client.get("/cuenta/registro/")["Location"] == "/"


def test_registering_says_beside_each_field_what_is_missing(client: Client) -> None:
    a_user("ada")
    response = client.post("/cuenta/registro/", {"username": "ADA", "password": "123"})
    assert set(response.context["form"].errors) == {"username", "password"}
    assert 'value="ADA"' in text(response)


def test_by_invitation_the_code_is_asked_for(client: Client, settings: Any) -> None:
    settings.REGISTRATION = "invite"
    code = make_invitation(by=None, at=timezone.now())
    assert code in text(client.get(f"/cuenta/registro/?invitation={code}"))
    data = {"username": "ada", "password": NEW, "invitation": "guess"}
    assert "código de invitación" in text(client.post("/cuenta/registro/", data))
    assert client.post("/cuenta/registro/", data | {"invitation": code}).status_code == 302
    assert User.objects.get().username == "ada"


def test_where_registration_is_closed_the_page_says_so(client: Client, settings: Any) -> None:
    settings.REGISTRATION = "closed"
    assert "nadie puede registrarse" in text(client.get("/cuenta/registro/"))
    data = {"username": "ada", "password": NEW}
    assert "nadie puede registrarse" in text(client.post("/cuenta/registro/", data))
    assert not User.objects.exists()
    assert "/cuenta/registro/" not in text(client.get("/"))


def test_the_first_administrator_is_made_once(client: Client) -> None:
    token = make_setup_link(at=timezone.now())
    path = f"/cuenta/primera/{token}/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"username": "root", "password": "123"}).status_code == 200
    assert client.post(path, {"username": "root", "password": NEW})["Location"] == "/"
    assert User.objects.get().role == User.Role.ADMIN
    assert client.get("/admin/").status_code == 200
    spent = Client().get(path, headers=PAGE)
    assert spent.status_code == 404
    assert "ya no sirve" in text(spent)


def test_my_sessions_are_mine_and_say_which_one_this_is(client: Client, ada: User) -> None:
    other = Client()
    other.force_login(ada)
    Client().force_login(a_user("eve"))
    response = client.get("/sesiones/")
    assert len(response.context["open"]) == 2
    assert text(response).count("badge here") == 1


def test_a_user_ends_one_session_or_all_others(client: Client, ada: User) -> None:
    others = [Client(), Client(), Client()]
    for other in others:
        other.force_login(ada)
    sid = others[0].session["sid"]
    client.post(f"/sesiones/{sid}/terminar/")
    assert Sesion.objects.get(pk=sid).end_reason == Sesion.EndReason.REVOKED_BY_USER
    assert others[0].get("/cuenta/").status_code == 302
    response = client.post("/sesiones/otras/terminar/", follow=True)
    assert "Se han terminado 2 sesiones" in text(response)
    assert others[1].get("/cuenta/").status_code == 302
    assert client.get("/cuenta/").status_code == 200


def test_nobody_ends_the_session_of_another(client: Client, ada: User) -> None:
    eve = Client()
    eve.force_login(a_user("eve"))
    sid = client.session["sid"]
    assert eve.post(f"/sesiones/{sid}/terminar/").status_code == 404
    assert Client().post(f"/sesiones/{sid}/terminar/").status_code == 302
    assert Sesion.objects.get(pk=sid).fecha_fin is None


def test_an_ended_session_says_why_on_the_next_page(client: Client, ada: User) -> None:
    other = Client()
    other.force_login(ada)
    client.post("/sesiones/otras/terminar/")
    page = other.get("/cuenta/", follow=True)
    assert "la terminaste desde otra" in text(page)


def test_the_account_is_changed_by_its_owner(client: Client, ada: User) -> None:
    client.post("/cuenta/", {"name": "Ada L.", "email": "ada@example.org"})
    ada.refresh_from_db()
    assert ada.name == "Ada L."


def test_a_new_e_mail_needs_the_password(client: Client, ada: User) -> None:
    data = {"name": "Ada", "email": "new@example.org"}
    response = client.post("/cuenta/", data)
    assert "contraseña actual no es correcta" in text(response)
    assert "new@example.org" in text(response)
    client.post("/cuenta/", data | {"password": PASSWORD})
    ada.refresh_from_db()
    assert ada.email == "new@example.org"


def test_a_new_password_keeps_this_browser_and_ends_the_others(client: Client, ada: User) -> None:
    other = Client()
    other.force_login(ada)
    data = {"current": PASSWORD, "password": NEW}
    response = client.post("/cuenta/contrasena/", data, follow=True)
    assert "tus demás sesiones han terminado" in text(response)
    assert client.get("/cuenta/").status_code == 200
    assert other.get("/cuenta/").status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(NEW)


def test_a_weak_new_password_is_refused_beside_its_field(client: Client, ada: User) -> None:
    data = {"current": PASSWORD, "password": "123"}
    response = client.post("/cuenta/contrasena/", data)
    assert "password" in response.context["form"].errors
    response = client.post("/cuenta/contrasena/", {"current": "wrong", "password": NEW})
    assert "no es correcta" in text(response)


def test_an_account_is_erased_with_its_password_alone(client: Client, ada: User) -> None:
    assert "Esto no se puede deshacer" in text(client.get("/cuenta/borrar/"))
    client.post("/cuenta/borrar/", {"password": "wrong"})
    assert User.objects.count() == 1
    response = client.post("/cuenta/borrar/", {"password": PASSWORD}, follow=True)
    assert "se ha borrado" in text(response)
    assert not User.objects.exists()
    assert Sesion.objects.get().end_reason == Sesion.EndReason.ERASED


def test_the_last_administrator_stays(client: Client) -> None:
    client.force_login(an_administrator())
    response = client.post("/cuenta/borrar/", {"password": PASSWORD})
    assert "último administrador" in text(response)
    assert User.objects.exists()


def test_a_forgotten_password_is_set_anew_by_a_mailed_link(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.mail_reset_link, "delay", tasks.mail_reset_link)
    visitor = Client()
    response = visitor.post("/cuenta/recuperar/", {"email": "ada@example.org"})
    assert "va de camino" in text(response)
    link = re.search(r"http://testserver(/cuenta/recuperar/\S+)", str(mail.outbox[0].body))
    assert link
    assert visitor.get(link[1]).status_code == 200
    assert "password" in visitor.post(link[1], {"password": "123"}).context["form"].errors
    assert visitor.post(link[1], {"password": NEW})["Location"] == "/cuenta/entrar/"
    assert client.get("/cuenta/").status_code == 302  # the session that was open ended
    assert "ya se usó" in text(visitor.get(link[1]))


def test_an_unknown_e_mail_gets_the_same_answer(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.mail_reset_link, "delay", tasks.mail_reset_link)
    response = client.post("/cuenta/recuperar/", {"email": "nobody@example.org"})
    assert "va de camino" in text(response)
    assert mail.outbox == []


def test_asking_for_too_many_letters_is_a_lock_out(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.mail_reset_link, "delay", tasks.mail_reset_link)
    for _try in range(lockout.LIMITS[lockout.RESET].per_pair):
        client.post("/cuenta/recuperar/", {"email": "ada@example.org"})
    response = client.post("/cuenta/recuperar/", {"email": "ada@example.org"})
    assert response.status_code == 429
    assert "demasiados intentos" in text(response)
