"""The assistant's back end: every entrance as its owner, a stranger and a visitor call it."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.contract.conftest import PASSWORD, Account
from tests.services.server import Server

pytestmark = pytest.mark.server
Accounts = Callable[[str], Account]
HAND = Path(__file__).resolve().parents[2] / "predictions/tests/media/hand-l.jpg"
USER = {"id", "user_id", "username", "email", "nombre", "rol", "is_active", "created_at"}
PROBLEM = {"type", "title", "status", "detail", "code"}
BAD = {"Authorization": "Bearer nonsense"}
WAYS = ['{"message":"Hola"}', '{"type":"text","text":"Hola"}', "Hola"]


@pytest.fixture
def staff(product: Server, account: Accounts) -> Account:
    made = account("marta-staff")
    product.query("UPDATE users SET role = 'admin' WHERE username = ?", made.username)
    return made


def refused(answer: httpx2.Response, status: int) -> str:
    """The code of a problem document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert body.keys() >= PROBLEM
    assert body["detail"]
    return str(body["code"])


# The sockets


def open_chat(product: Server, path: str, token: str = "") -> ClientConnection:
    offered = [Subprotocol("bearer"), Subprotocol(token)] if token else None
    return connect(product.ws_url + path, proxy=None, subprotocols=offered)


def heard(socket: ClientConnection) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(socket.recv(30))
    return frame


def conversation(socket: ClientConnection, message: str) -> dict[str, Any]:
    """Send; hear typing, then deltas, then the whole text, which is the last."""
    socket.send(message)
    assert heard(socket) == {"type": "typing", "is_typing": True}
    text = ""
    while (frame := heard(socket))["type"] == "delta":
        assert frame.keys() >= {"id", "text"}
        text += frame["text"]
    assert frame["type"] == "text", frame
    assert (frame["text"], frame["is_user"]) == (text, False)
    assert text
    return frame


@pytest.mark.parametrize("path", ["/ws/chat", "/ws/chat/", "/ws/chat/mi-chat-7", "/api/chat"])
@pytest.mark.parametrize("who", ["visitor", "owner"])
def test_a_chat_says_connected_typing_deltas_and_the_text(
    product: Server, account: Accounts, path: str, who: str
) -> None:
    token = account("rosa").access_token if who == "owner" else ""
    with open_chat(product, path, token) as socket:
        hello = heard(socket)
        assert (hello["type"], hello["status"]) == ("connected", "connected")
        assert re.fullmatch("chat_[0-9a-f]{8}", hello["client_id"])
        ids = {conversation(socket, message)["id"] for message in WAYS}
        assert len(ids) == 3


def test_the_common_socket_serves_chat_beside_pictures(product: Server) -> None:
    with open_chat(product, "/ws") as socket:
        welcome = heard(socket)
        assert (welcome["type"], welcome["status"]) == ("connection", "connected")
        assert welcome.keys() >= {"message", "commands", "client_id"}
        for message in WAYS:
            conversation(socket, message)
        socket.send(json.dumps({"command": "health"}))
        assert heard(socket)["status"] == "healthy"


def test_on_the_common_socket_answers_come_one_after_another(product: Server) -> None:
    with open_chat(product, "/ws") as socket:
        heard(socket)
        socket.send('{"message":"¿Qué modelo usas?"}')
        socket.send('{"command":"health"}')
        kinds: list[str] = []
        while not kinds or kinds[-1] != "health":
            kinds.append(heard(socket)["type"])
        assert kinds[0] == "typing"
        assert kinds[-2:] == ["text", "health"]


@pytest.mark.parametrize("path", ["/ws/chat", "/api/chat"])
def test_a_message_that_is_none_is_an_error_and_the_socket_stays(
    product: Server, path: str
) -> None:
    with open_chat(product, path) as socket:
        heard(socket)
        for nonsense in ("   ", '{"message":""}', '{"message":7}', "[1,2]"):
            socket.send(nonsense)
            frame = heard(socket)
            assert frame["type"] == "error", nonsense
            assert frame.keys() >= {"id", "error", "code"}
            assert frame["error"]
        conversation(socket, "Hola")


@pytest.mark.parametrize("path", ["/ws/chat", "/api/chat", "/ws"])
def test_a_bad_token_is_no_visitor(product: Server, path: str) -> None:
    with open_chat(product, path, "nonsense") as socket:
        with pytest.raises(ConnectionClosed):
            socket.recv(10)
        assert socket.close_code == 4401


def test_a_conversation_is_its_owners_alone(
    product: Server, http: httpx2.Client, account: Accounts
) -> None:
    eva, iris = account("eva-chat"), account("iris-chat")
    made = http.post("/api/v1/assistant/conversations", json={"title": "Mía"}, headers=eva.bearer)
    assert made.status_code == 201, made.text
    own = made.json()["id"]
    with open_chat(product, f"/ws/chat/{own}", eva.access_token) as socket:
        assert heard(socket)["type"] == "connected"
        conversation(socket, "Hola")
    path = f"/api/v1/assistant/conversations/{own}"
    assert len(http.get(path, headers=eva.bearer).json()["messages"]) == 2
    assert refused(http.get(path, headers=iris.bearer), 404)
    assert refused(http.get(path), 401)
    for token in (iris.access_token, ""):
        with open_chat(product, f"/ws/chat/{own}", token) as socket:
            with pytest.raises(ConnectionClosed):
                socket.recv(10)
            assert socket.close_code == 4404


def test_a_logout_closes_the_chat(product: Server, http: httpx2.Client, account: Accounts) -> None:
    olga = account("olga")
    with open_chat(product, "/ws/chat", olga.access_token) as socket:
        heard(socket)
        http.post("/logout", json={"session_id": olga.session_id}, headers=olga.bearer)
        with pytest.raises(ConnectionClosed):
            socket.recv(10)
        assert socket.close_code == 4401


# Users


def test_users_are_listed_made_and_removed_by_staff_alone(
    http: httpx2.Client, account: Accounts, staff: Account
) -> None:
    luz = account("luz")
    for path in ("/usuarios", "/usuarios/"):
        listed = http.get(path, headers=staff.bearer)
        assert listed.status_code == 200
        assert all(one.keys() >= USER for one in listed.json())
        assert int(listed.headers["X-Total-Count"]) == len(listed.json())
        assert refused(http.get(path, headers=luz.bearer), 403)
        assert refused(http.get(path), 401)
    body = {"nombre": "Nina Paz", "email": "nina@example.org", "password": PASSWORD}
    assert refused(http.post("/usuarios", json=body), 401)
    assert refused(http.post("/usuarios", json=body, headers=luz.bearer), 403)
    made = http.post("/usuarios", json=body, headers=staff.bearer)
    assert made.status_code == 201
    assert (made.json()["nombre"], made.json()["rol"]) == ("Nina Paz", "user")
    one = f"/usuarios/{made.json()['id']}"
    assert http.get(one, headers=staff.bearer).json()["email"] == "nina@example.org"
    for method in ("GET", "PUT", "DELETE"):
        assert refused(http.request(method, one, json={}, headers=luz.bearer), 404)
        assert refused(http.request(method, one, json={}), 401)
    assert http.delete(one, headers=staff.bearer).json()["success"] is True
    assert refused(http.get(one, headers=staff.bearer), 404)


def test_a_user_reads_and_changes_himself_but_not_his_rights(
    http: httpx2.Client, account: Accounts
) -> None:
    sara = account("sara")
    own = f"/usuarios/{http.get('/auth/me', headers=sara.bearer).json()['id']}"
    changed = http.put(own, json={"nombre": "Sara Luz"}, headers=sara.bearer)
    assert (changed.status_code, changed.json()["nombre"]) == (200, "Sara Luz")
    assert refused(http.put(own, json={"rol": "admin"}, headers=sara.bearer), 403)
    assert http.get(own, headers=sara.bearer).json()["rol"] == "user"
    assert refused(http.delete(own, headers=sara.bearer), 403)


# Contact


def test_anybody_writes_and_staff_read_mark_and_delete(
    http: httpx2.Client, account: Accounts, staff: Account
) -> None:
    pia = account("pia")
    body = {"nombre": "Pía", "email": "pia@example.org", "mensaje": "Hola <b>mundo</b>"}
    sent = http.post("/contacto/enviar", json=body)
    assert sent.status_code == 201
    message = sent.json()["id"]
    assert refused(http.post("/contacto/enviar", json={"nombre": "Pía"}), 400)
    listed = http.get("/contacto/mensajes?limit=5&offset=0", headers=staff.bearer)
    assert int(listed.headers["X-Total-Count"]) >= 1
    (mine,) = [one for one in listed.json() if one["id"] == message]
    assert mine.keys() >= {"id", "nombre", "email", "asunto", "mensaje", "leido", "fecha"}
    assert mine["leido"] is False
    for method, path in (
        ("GET", "/contacto/mensajes"),
        ("PUT", f"/contacto/{message}/leido"),
        ("DELETE", f"/contacto/{message}"),
    ):
        assert refused(http.request(method, path, headers=pia.bearer), 403)
        assert refused(http.request(method, path), 401)
    assert http.put(f"/contacto/{message}/leido", headers=staff.bearer).status_code == 200
    assert http.delete(f"/contacto/{message}", headers=staff.bearer).json()["success"] is True
    assert refused(http.delete(f"/contacto/{message}", headers=staff.bearer), 404)


# Pictures and signs


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/imagen/analizar", {"objects", "description", "provider"}),
        ("/imagen/objetos", {"objects", "provider"}),
        ("/imagen/descripcion", {"description", "provider"}),
    ],
)
def test_a_picture_is_described_to_anybody(
    http: httpx2.Client, account: Accounts, portrait: bytes, path: str, fields: set[str]
) -> None:
    files = {"file": ("foto.jpg", portrait, "image/jpeg")}
    for headers in ({}, account("vera").bearer):
        body = http.post(path, files=files, headers=headers).json()
        assert body.keys() >= fields
        assert body["provider"] == "embedded"
    written = {"image": base64.b64encode(portrait).decode()}
    body = http.post(path + "/", json=written).json()
    for one in body.get("objects", []):
        assert one.keys() >= {"label", "score", "box"}
    assert refused(http.post(path, files=files, headers=BAD), 401)
    assert refused(http.post(path), 400)
    assert refused(http.post(path, files={"file": ("a.txt", b"hola")}), 415)


@pytest.mark.parametrize("path", ["/asl/analizar", "/api/image/asl/predict"])
def test_a_sign_is_read_for_anybody_but_not_with_a_bad_token(
    http: httpx2.Client, account: Accounts, path: str
) -> None:
    files = {"file": ("mano.jpg", HAND.read_bytes(), "image/jpeg")}
    for headers in ({}, account("uma").bearer):
        body = http.post(path, files=files, headers=headers).json()
        assert (body["success"], body["prediction"]) == (True, "L")
        assert 50 < body["confidence"] <= 100
        assert len(body["alternatives"]) == 3
        assert body["source"].startswith("embedded")
        assert body["message"]
    assert refused(http.post(path, files=files, headers=BAD), 401)
    assert refused(http.post(path), 400)


# Status


@pytest.mark.parametrize(
    "path", ["/status", "/status/health", "/status/websocket", "/resilience/health"]
)
def test_anybody_sees_whether_parts_work_and_staff_see_why(
    http: httpx2.Client, account: Accounts, staff: Account, path: str
) -> None:
    for headers in ({}, account("ruth").bearer):
        answer = http.get(path, headers=headers)
        assert answer.status_code in {200, 503}
        body = answer.json()
        assert body["status"] in {"ok", "degraded", "down"}
        assert all(one.keys() == {"status"} for one in body["checks"].values())
    told = http.get(path, headers=staff.bearer).json()["checks"]
    assert all(one.keys() >= {"status", "ms", "detail"} for one in told.values())
    assert refused(http.get(path, headers=BAD), 401)


def test_the_database_is_told_to_staff_alone(
    http: httpx2.Client, account: Accounts, staff: Account
) -> None:
    found = http.get("/status/database", headers=staff.bearer).json()
    assert found["checks"]["database"]["status"] == "ok"
    assert refused(http.get("/status/database", headers=account("ruth").bearer), 403)
    assert refused(http.get("/status/database"), 401)


# Speech


def test_what_was_spoken_can_be_transcribed_by_who_is_signed_in(
    http: httpx2.Client, account: Accounts
) -> None:
    noa = account("noa")
    text = {"text": "open the door please", "language": "en", "speed": 0.85}
    said = http.post("/api/v1/assistant/speak", json=text, headers=noa.bearer)
    assert (said.status_code, said.headers["content-type"]) == (200, "audio/wav")
    files = {"file": ("voz.wav", said.content, "audio/wav")}
    where = "/api/v1/assistant/transcribe"
    answer = http.post(where, files=files, data={"language": "en"}, headers=noa.bearer)
    assert "please" in answer.json()["text"]
    for path in (where, "/api/v1/assistant/speak"):
        assert refused(http.post(path), 401)
        assert refused(http.post(path, headers=BAD), 401)
    use = http.get("/api/v1/usage", headers=noa.bearer).json()
    assert [(one["act"], one["quantity"]) for one in use["days"]] == [("assistant_call", "2")]
