"""The examples of the login-session and OVA back ends: login, logout, me, refresh."""

from collections.abc import Callable

import httpx2
import pytest

from tests.contract.conftest import PASSWORD, Account
from tests.services.server import Server

pytestmark = pytest.mark.server
Accounts = Callable[[str], Account]
USER = {"id", "user_id", "username", "email", "nombre", "rol", "is_active", "created_at"}


def test_login_by_email_makes_a_session_that_logout_closes(
    http: httpx2.Client, product: Server, account: Accounts
) -> None:
    carla = account("carla")
    login = http.post("/login", json={"email": carla.email, "password": PASSWORD}).json()
    assert login.keys() >= {"access_token", "token_type", "session_id"}
    assert login["token_type"] == "bearer"
    ends = "SELECT fecha_fin FROM sesion WHERE id = ?"
    assert product.query(ends, login["session_id"]) == [(None,)]
    bearer = {"Authorization": f"Bearer {login['access_token']}"}
    logout = http.post("/logout", json={"session_id": login["session_id"]}, headers=bearer)
    assert logout.json() == {"success": True}
    (fecha_fin,) = product.query(ends, login["session_id"])[0]
    assert fecha_fin is not None
    assert http.get("/api/v1/auth/verify", headers=bearer).status_code == 401


def test_nobody_ends_a_session_without_its_owners_token(
    http: httpx2.Client, account: Accounts
) -> None:
    dora, eva = account("dora"), account("eva")
    anonymous = http.post("/logout", json={"session_id": dora.session_id})
    assert (anonymous.status_code, bool(anonymous.json()["detail"])) == (401, True)
    stranger = http.post("/logout", json={"session_id": dora.session_id}, headers=eva.bearer)
    assert stranger.status_code == 404
    assert http.get("/api/v1/auth/verify", headers=dora.bearer).status_code == 200


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_assistants_clients_register_sign_in_and_refresh(
    http: httpx2.Client, account: Accounts, slash: str
) -> None:
    name = f"flora{len(slash)}"
    body = {"nombre": name, "email": f"{name}@example.org", "password": PASSWORD}
    assert http.post(f"/auth/register{slash}", json=body).status_code == 201
    body = {"email": f"{name}@example.org", "password": PASSWORD}
    login = http.post(f"/auth/login{slash}", json=body).json()
    asked = {"access_token", "token", "token_type", "refresh_token", "expires_in", "session_id"}
    assert login.keys() >= asked | {"user"}
    assert login["user"].keys() >= USER
    me = http.get(f"/auth/me{slash}", headers={"Authorization": f"Bearer {login['token']}"})
    assert me.json()["email"] == f"{name}@example.org"
    for field in ("refresh_token", "refresh"):
        again = http.post(f"/auth/refresh{slash}", json={field: login["refresh_token"]})
        assert again.json().keys() >= asked
    bearer = {"Authorization": f"Bearer {login['refresh_token']}"}
    assert http.post(f"/auth/refresh{slash}", headers=bearer).status_code == 200


def test_the_token_is_verified_for_the_hardware_clients(
    http: httpx2.Client, account: Accounts
) -> None:
    gala = account("gala")
    for path in ("/auth/verify-token", "/verify-token"):
        answer = http.post(path, headers=gala.bearer).json()
        assert answer["valid"] is True
        assert answer["user"] == {"username": "gala", "email": gala.email, "is_active": True}
        assert http.post(path).status_code == 401
