"""Every refusal of the API is a document that a person and a program can read."""

import pytest
from django.test import Client
from django.utils import translation
from rest_framework.exceptions import ErrorDetail

from visionai.lib.problems import _first_sentence

pytestmark = pytest.mark.django_db


def test_a_wrong_method_is_named_and_no_pattern_is_shown(client: Client) -> None:
    problem = client.delete("/api/v1/emotions", headers={"accept-language": "en"}).json()
    assert (problem["status"], problem["code"]) == (405, "method_not_allowed")
    assert problem["title"] == problem["detail"] == 'Method "DELETE" not allowed.'


def test_a_missing_login_says_what_to_do_next(client: Client) -> None:
    answer = client.get("/api/v1/sessions", headers={"accept-language": "en"})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.json()["detail"]


def test_an_unknown_path_of_the_api_is_a_document_too(client: Client) -> None:
    answer = client.get("/api/v1/nothing-here")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_the_first_complaint_of_many_names_its_field() -> None:
    with translation.override("en"):
        nested = {"layers": {"conv": [ErrorDetail("Too large.", code="max_value")]}}
        assert _first_sentence(nested) == "conv: Too large."
        assert _first_sentence({"non_field_errors": ["Both are needed."]}) == "Both are needed."
        assert _first_sentence("Plain.") == "Plain."


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/letters/predict", "/asl/analizar", "/auth/login"])
def test_lists_in_lists_without_end_are_the_callers_fault(client: Client, path: str) -> None:
    answer = client.post(path, "[" * 100_000, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
