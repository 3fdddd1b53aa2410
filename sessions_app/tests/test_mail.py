"""From the request for a new password to the mail, through a real server and a real worker."""

import subprocess
import sys
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import httpx2
import pytest

from tests.services.fixtures import Serve
from tests.services.network import wait_until
from tests.services.server import ROOT

NEW = "a-warm-evening-in-june"
AUTH = "/api/v1/auth/"


@pytest.mark.server
def test_a_forgotten_password_is_replaced_by_mail(serve: Serve, tmp_path: Path) -> None:
    box = tmp_path / "mail"
    server = serve(EMAIL_URL=f"file://{box}")
    with httpx2.Client(base_url=server.url) as client:
        ana = {"username": "ana", "email": "ana@example.org", "password": "a-cold-morning"}
        assert client.post(AUTH + "register", json=ana).status_code == 201
        asked = client.post(
            AUTH + "password/reset",
            json={"email": "ANA@example.org"},
            headers={"Accept-Language": "en"},
        )
        assert asked.status_code == 202
        command = [sys.executable, "-m", "celery", "-A", "visionai.celery", "worker"]
        command += ["-Q", "quick", "-c", "1", "-P", "solo", "-l", "WARNING"]
        worker = subprocess.Popen(command, cwd=ROOT, env=server.environment)
        try:
            wait_until(lambda: any(box.glob("*.log")), seconds=60, what="a mail")
        finally:
            worker.terminate()
            worker.wait(30)
        mail = message_from_bytes(
            next(box.glob("*.log")).read_bytes().split(b"\n---")[0], policy=default
        )
        assert mail["To"] == "ana@example.org"
        text = mail.get_content()
        assert f"{server.url}/cuenta/recuperar/" in text
        uid, token = text.split("/cuenta/recuperar/")[1].split("/")[:2]
        ask = {"uid": uid, "token": token, "password": NEW}
        assert client.post(AUTH + "password/reset/confirm", json=ask).status_code == 200
        login = client.post("/login", json={"email": "ana@example.org", "password": NEW})
        assert login.status_code == 200
    assert token not in server.output()
    assert NEW not in server.output()
