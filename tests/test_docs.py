"""The API describes itself: each operation with words, an example and its errors."""

from typing import Any

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    GENERATOR_STATS.reset()
    made: dict[str, Any] = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return made


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def has_example(operation: dict[str, Any]) -> bool:
    """Of what is sent, or of a good answer; neither an empty body nor a file needs one."""
    bodies = [operation.get("requestBody", {})]
    bodies += [
        answer for status, answer in operation["responses"].items() if status.startswith("2")
    ]
    contents = [content for body in bodies for content in body.get("content", {}).values()]
    shown = [one for one in contents if one.get("schema", {}).get("format") != "binary"]
    return not shown or any("example" in one or "examples" in one for one in shown)


def test_the_schema_is_made_without_a_warning(schema: dict[str, Any]) -> None:
    GENERATOR_STATS.emit_summary()
    assert not GENERATOR_STATS
    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_every_operation_has_a_summary(schema: dict[str, Any]) -> None:
    assert [name for name, one in operations(schema) if not one.get("summary")] == []


def test_every_operation_has_an_example(schema: dict[str, Any]) -> None:
    assert [name for name, one in operations(schema) if not has_example(one)] == []


def test_every_operation_has_an_error_shape(schema: dict[str, Any]) -> None:
    lacking = []
    for name, one in operations(schema):
        contents = [answer.get("content", {}) for answer in one["responses"].values()]
        if not any("application/problem+json" in content for content in contents):
            lacking.append(name)
    assert lacking == []


def test_the_paths_of_the_originals_are_left_out(schema: dict[str, Any]) -> None:
    assert not [path for path in schema["paths"] if not path.startswith(("/api", "/sta", "/res"))]


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/api/v1/schema"])
def test_the_page_and_the_schema_are_open(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert b"http" not in answer.content.split(b"openapi")[0]  # no asset from elsewhere
