"""What Google publishes and signs for Firebase, by a server of our own."""

import json
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID
from django.utils import timezone
from rest_framework.test import APIClient

from sessions_app import firebase

PROJECT = "lab-of-ours"
ME = "/api/v1/auth/users/me"


class KeyServer(ThreadingHTTPServer):
    """Answers as Google's does, or as the test wants."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), KeyHandler)
        self.status, self.asked = 200, 0
        self.body = b"{}"
        self.headers = {"Cache-Control": "public, max-age=3600, must-revalidate"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/keys"

    def publish(self, **certificates: str) -> None:
        self.body = json.dumps(certificates).encode()


class KeyHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, KeyServer)
        server.asked += 1
        self.send_response(server.status)
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(server.body)))
        self.end_headers()
        self.wfile.write(server.body)

    def log_message(self, *arguments: object) -> None:
        """Silence."""


def a_certificate(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken")])
    now = timezone.now()
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def an_id_token(key: RSAPrivateKey, claims: dict[str, object] | None = None, **headers: Any) -> str:
    now = int(timezone.now().timestamp())
    good: dict[str, object] = {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "sub": "uid-of-ana",
        "auth_time": now - 100,
        "iat": now - 50,
        "exp": now + 3550,
        "email": "ana@example.org",
        "email_verified": True,
        "name": "Ana",
    }
    return jwt.encode(
        good | (claims or {}), key, algorithm="RS256", headers={"kid": "one"} | headers
    )


def by(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def outcome(text: str, path: str = ME) -> tuple[int, str]:
    answer = by(text).get(path)
    return answer.status_code, answer.json().get("code", "")


def read(text: str) -> None:
    firebase.read_id_token(text, at=timezone.now())
