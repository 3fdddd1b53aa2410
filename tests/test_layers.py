"""Imports point one way (DESIGN: lib, accounts, sessions_app, predictions, visionai)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.server import ROOT, environment_for

# What each app may name besides itself. `visionai.lib` is its own layer; the rest of `visionai` is
# the composition root, which knows every app and which no app knows.
MAY_USE = {
    "lib": set(),
    "accounts": {"lib"},
    "sessions_app": {"lib", "accounts"},
    "predictions": {"lib", "accounts", "sessions_app"},
    "fpga_export": {"lib", "accounts", "sessions_app", "predictions"},
    "trading": {"lib", "accounts", "sessions_app"},
    "contact": {"lib", "accounts", "sessions_app"},
    "assistant": {"lib", "accounts", "sessions_app", "predictions"},
    "visionai": {
        "lib",
        "accounts",
        "sessions_app",
        "predictions",
        "fpga_export",
        "trading",
        "contact",
        "assistant",
    },
}
LABELS = (
    "accounts",
    "sessions_app",
    "predictions",
    "fpga_export",
    "trading",
    "contact",
    "assistant",
)
# A core is arithmetic on values.
FRAMEWORKS = {"django", "rest_framework", "channels", "celery", "drf_spectacular", "asgiref"}
HEAVY = ["tensorflow", "keras", "matplotlib", "openai", "torch", "pandas", "sklearn", "scipy"]
HEAVY += ["huggingface_hub", "gradio_client", "pocketsphinx", "espeakng_loader"]
# "app.module" and "visionai.urls" in a string are imports by another name.
DOTTED = re.compile(
    r"(?!visionai\.sqlite3)(visionai|accounts|sessions_app|predictions|fpga_export|trading|contact|assistant)(?:\.\w+)+"
)
# A foreign key names a model by its app's label; a template lies in its app's folder.
LABELLED = re.compile(
    r"(accounts|sessions_app|predictions|fpga_export|trading|contact|assistant)[./]\w[\w./]*"
)


def sources() -> Iterator[Path]:
    for app in ("visionai", *LABELS):
        for path in sorted((ROOT / app).rglob("*.py")):
            if "tests" not in path.parts and "migrations" not in path.parts:
                yield path


def layer_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return "lib" if parts[:2] == ("visionai", "lib") else parts[0]


def layer_of_name(dotted: str) -> str | None:
    parts = dotted.replace("/", ".").split(".")
    if parts[:2] == ["visionai", "lib"]:
        return "lib"
    return parts[0] if parts[0] in MAY_USE else None


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import, wherever it stands, and of each string that is one."""
    yield from imports_in(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.strip()
            if DOTTED.fullmatch(text) or LABELLED.fullmatch(text) or text in LABELS:
                yield node.lineno, text


def imports_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield node.lineno, one.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for one in node.names:
                yield node.lineno, f"{node.module}.{one.name}"


def trespasses(path: Path, text: str) -> list[str]:
    mine = layer_of(path)
    found = []
    for line, name in names_in(ast.parse(text)):
        theirs = layer_of_name(name)
        if theirs and theirs != mine and theirs not in MAY_USE[mine]:
            found.append(f"{path.relative_to(ROOT)}:{line} names {name}")
    return found


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_names_only_what_lies_below_it(path: Path) -> None:
    assert trespasses(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    [
        "import predictions.models",
        "from visionai import settings",
        "def f():\n    from predictions import services",
        'include("visionai.urls")',
        'models.ForeignKey("predictions.PredictionLog")',
        'apps.get_model("predictions", "PredictionLog")',
        'render(request, "predictions/dashboard.html")',
    ],
)
def test_the_rule_sees_every_way_to_name_a_higher_app(text: str) -> None:
    assert trespasses(ROOT / "accounts" / "models.py", text)


def test_a_core_knows_no_framework_and_of_apps_their_cores_alone() -> None:
    found = []
    for path in sources():
        parts = path.relative_to(ROOT).parts
        if "core" not in parts:
            continue
        for line, name in names_in(ast.parse(path.read_text(encoding="utf-8"))):
            foreign = layer_of_name(name) is not None and name.split(".")[1:2] != ["core"]
            if name.split(".")[0] in FRAMEWORKS or foreign:
                found.append(f"{path.relative_to(ROOT)}:{line} names {name}")
    assert found == []


def test_a_server_never_imports_training() -> None:
    """It may run it as a child process, by its name. Commands are run by people."""
    inside = [path for path in sources() if "training" in path.parts]
    found = []
    for path in sources():
        if path in inside or path.parent.name == "commands":
            continue
        names = [name for _, name in imports_in(ast.parse(path.read_text(encoding="utf-8")))]
        trainers = ("predictions.training", "trading.training")
        found += [f"{path}: {one}" for one in names if one.startswith(trainers)]
    assert found == []


@pytest.mark.parametrize("module", ["visionai.asgi", "visionai.celery"])
def test_nothing_heavy_is_loaded_at_start(module: str, tmp_path: Path) -> None:
    code = (
        f"import sys, {module}\n"
        "from django.conf import settings\n"
        "import django; django.setup()\n"
        "from importlib import import_module; import_module(settings.ROOT_URLCONF)\n"
        f"{module}.__dict__.get('app') and {module}.app.loader.import_default_modules()\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment_for(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
