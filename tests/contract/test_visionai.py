"""The examples of VisionAI's own back end: REST, sockets and the SQL it prints."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.contract.conftest import PASSWORD, Account
from tests.services.network import wait_until
from tests.services.server import Server

pytestmark = pytest.mark.server
Accounts = Callable[[str], Account]
CLASSES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


@contextmanager
def welcomed(product: Server, path: str) -> Iterator[ClientConnection]:
    """A socket that has read its welcome, as the originals' own client does."""
    with connect(product.ws_url + path, proxy=None) as socket:
        welcome = json.loads(socket.recv(10))
        assert (welcome["type"], welcome["status"]) == ("connection", "connected")
        assert {"message", "commands", "timestamp"} <= welcome.keys()
        yield socket


def ask(socket: ClientConnection, **message: object) -> dict[str, object]:
    socket.send(json.dumps(message))
    answer: dict[str, object] = json.loads(socket.recv(20))
    return answer


def test_a_user_registers_signs_in_and_is_known(http: httpx2.Client) -> None:
    body = {"username": "usuario", "password": PASSWORD}
    registered = http.post("/api/v1/auth/register", json=body)
    assert registered.status_code == 201
    assert registered.json().keys() >= {"user_id", "username", "is_active", "created_at"}
    signed_in = http.post("/api/v1/auth/login", json=body).json()
    assert signed_in["token_type"] == "bearer"
    bearer = {"Authorization": f"Bearer {signed_in['access_token']}"}
    verified = http.get("/api/v1/auth/verify", headers=bearer).json()
    assert (verified["valid"], verified["username"]) == (True, "usuario")
    assert verified["session_id"] == signed_in["session_id"]
    assert http.get("/api/v1/auth/users/me", headers=bearer).json()["username"] == "usuario"


@pytest.mark.parametrize("password", ["pass123", "contraseña123"])
def test_the_printed_passwords_are_refused_with_what_is_missing(
    http: httpx2.Client, password: str
) -> None:
    body = {"username": "debil", "password": password}
    refused = http.post("/api/v1/auth/register", json=body)
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    assert len(refused.json()["detail"]) > 20


def test_a_stranger_is_not_verified(http: httpx2.Client) -> None:
    for headers in ({}, {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"}):
        refused = http.get("/api/v1/auth/verify", headers=headers)
        assert refused.status_code == 401
        assert refused.json()["detail"]


def test_an_uploaded_picture_is_read_with_and_without_a_login(
    http: httpx2.Client, product: Server, account: Accounts, portrait: bytes
) -> None:
    files = {"file": ("imagen.jpg", portrait, "image/jpeg")}
    answer = http.post("/api/v1/predict", files=files).json()
    asked = {"emotion_name", "confidence", "model_version_tag", "processing_time_ms"}
    assert answer.keys() >= asked | {"probabilities", "faces", "prediction_id"}
    assert answer["emotion_name"] == "happy"
    ana = account("ana")
    mine = http.post("/api/v1/predict", files=files, headers=ana.bearer).json()
    rows = product.query(
        'SELECT "user", session_id FROM predictions_log WHERE predic_id = ?', mine["prediction_id"]
    )
    assert rows == [("ana", ana.session_id)]


def test_the_classes_the_model_and_its_health_are_told_to_anyone(http: httpx2.Client) -> None:
    emotions = http.get("/api/v1/emotions").json()
    classes = emotions["emotions"] if isinstance(emotions, dict) else emotions
    assert [(one["id"], one["name"]) for one in classes] == list(enumerate(CLASSES, 1))
    info = http.get("/api/v1/model/info").json()
    assert info["status"] == "loaded"
    assert info["input_shape"] == "(None, 96, 96, 3)"
    assert info["num_classes"] == 7
    assert 2_500_000 <= info["total_params"] <= 3_500_000
    assert http.get("/api/v1/health").json()["status"] == "healthy"


def test_the_dashboard_counts_what_was_read(http: httpx2.Client, portrait: bytes) -> None:
    http.post("/api/v1/predict", files={"file": ("imagen.jpg", portrait, "image/jpeg")})
    stats = http.get("/api/v1/dashboard/stats").json()
    assert stats["total_predictions"] == sum(stats["predictions_by_emotion"].values())
    assert stats["most_common_emotion"].keys() == {"name", "count"}
    assert 0 < stats["average_confidence"] <= 1
    timeline = http.get("/api/v1/dashboard/timeline?days=7").json()
    assert timeline["period_days"] == 7
    assert sum(day["count"] for day in timeline["timeline"]) == stats["total_predictions"]
    recent = http.get("/api/v1/dashboard/recent?limit=10").json()
    assert recent["count"] == len(recent["predictions"])
    assert http.get("/api/v1/dashboard/emotion/happy").status_code == 200
    assert http.get("/api/v1/dashboard/emotion/bored").status_code == 404


@pytest.mark.parametrize("path", ["/ws", "/"])
def test_the_printed_commands_are_answered_one_message_each(
    product: Server, path: str, portrait: bytes
) -> None:
    with welcomed(product, path) as socket:
        assert ask(socket, command="health")["status"] == "healthy"
        emotions = ask(socket, command="emotions")
        assert (emotions["type"], emotions["status"]) == ("emotions", "success")
        info = ask(socket, command="model_info")
        assert (info["type"], info["status"]) == ("model_info", "success")
        answer = ask(socket, command="predict", image=base64.b64encode(portrait).decode())
        assert (answer["type"], answer["status"]) == ("prediction", "success")
        assert answer["emotion_name"] == "happy"
        assert answer.keys() >= {
            "confidence", "model_version_tag", "processing_time_ms", "timestamp", "user", "user_id",
        }  # fmt: skip
        nonsense = ask(socket, command="dance")
        assert (nonsense["type"], nonsense["status"]) == ("error", "error")
        assert "predict" in str(nonsense["available_commands"])
        assert ask(socket, command="health")["type"] == "health"


def test_a_token_in_the_message_names_the_user_until_the_session_ends(
    http: httpx2.Client, product: Server, account: Accounts, portrait: bytes
) -> None:
    berta = account("berta")
    image = "data:image/jpeg;base64," + base64.b64encode(portrait).decode()
    with welcomed(product, "/ws") as socket:
        answer = ask(socket, command="predict", image=image, token=berta.access_token)
        assert answer["user"] == "berta"
        sql = 'SELECT * FROM predictions_log WHERE "user" = ? ORDER BY timestamp DESC'
        wait_until(lambda: bool(product.query(sql, "berta")), seconds=5, what="the row is there")
        logout = http.post("/logout", json={"session_id": berta.session_id}, headers=berta.bearer)
        assert logout.json() == {"success": True}

        def refused() -> bool:
            said = ask(socket, command="predict", image=image, token=berta.access_token)
            return said["type"] == "error"

        wait_until(refused, seconds=5, what="the end of the session is known to the socket")


def test_the_printed_queries_run(product: Server) -> None:
    product.query(
        'SELECT "user", COUNT(*) AS total, AVG(confidence) AS confianza_promedio '
        'FROM predictions_log WHERE "user" IS NOT NULL GROUP BY "user" ORDER BY total DESC'
    )
    product.query(
        'SELECT pl."user", ec.emotion_name, COUNT(*) AS veces, AVG(pl.confidence) AS confianza '
        "FROM predictions_log pl JOIN emotion_class ec ON pl.emotion_id = ec.emotion_id "
        'WHERE pl."user" = \'usuario\' GROUP BY pl."user", ec.emotion_name ORDER BY veces DESC'
    )
    product.query(
        'SELECT timestamp, "user", emotion_name, confidence FROM predictions_log pl '
        "JOIN emotion_class ec ON pl.emotion_id = ec.emotion_id "
        'WHERE "user" IS NOT NULL ORDER BY timestamp DESC LIMIT 50'
    )
