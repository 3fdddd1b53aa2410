"""Which pages of other origins may call the API: the same as for sockets, never with the cookie."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.test import Client

from tests.services.server import ROOT, environment_for

pytestmark = pytest.mark.django_db


def preflight(client: Client, origin: str) -> Mapping[str, str]:
    """The headers of the answer."""
    asked = {"access-control-request-method": "POST", "origin": origin}
    wanted = {"access-control-request-headers": "authorization,content-type"}
    return client.options("/api/v1/predict", headers=asked | wanted).headers


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://localhost", "http://127.0.0.1:5173", "null"]
)
def test_a_page_of_this_machine_may_call_but_not_with_the_cookie(
    client: Client, origin: str
) -> None:
    answer = preflight(client, origin)
    assert answer["Access-Control-Allow-Origin"] == origin
    assert "authorization" in answer["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost.evil.example",
        "http://localhost:3000.evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
    ],
)
def test_a_foreign_page_may_not(client: Client, origin: str) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(client, origin)


def test_a_page_from_disk_is_served_in_development_alone(tmp_path: Path) -> None:
    code = (
        "import json; from visionai import settings as s; print(json.dumps(s.CORS_ALLOWED_ORIGINS))"
    )
    chosen = {"ENVIRONMENT": "staging", "ALLOWED_ORIGINS": "https://a.example,null"}
    environment = environment_for(tmp_path, **chosen)
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == ["https://a.example"]
