"""Every sentence has its Spanish, and what is shipped compiled is what is written."""

import ast
import gettext
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.services.databases import program
from tests.services.server import ROOT

SOURCES = (
    *("accounts", "assistant", "contact", "fpga_export", "predictions", "sessions_app"),
    *("templates", "trading", "visionai"),
)
PO = Path("locale/es/LC_MESSAGES/django.po")


def entries(path: Path) -> Iterator[tuple[str, list[str], bool]]:
    """(msgid, its translations, whether it is marked fuzzy) of a .po file, the head left out."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        parts: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            if line.startswith("msg"):
                keyword, _space, line = line.partition(" ")
                parts[keyword] = ""
            if keyword and line.startswith('"'):
                parts[keyword] += ast.literal_eval(line)
        if parts.get("msgid"):
            texts = [text for name, text in parts.items() if name.startswith("msgstr")]
            context = parts["msgctxt"] + "\x04" if "msgctxt" in parts else ""
            yield context + parts["msgid"], texts, "#, fuzzy" in block


def test_the_compiled_catalogue_is_the_written_one() -> None:
    with (ROOT / PO).with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    plain = {key: text for key, text in compiled.items() if isinstance(key, str) and key}
    written = {msgid: texts[0] for msgid, texts, _fuzzy in entries(ROOT / PO) if len(texts) == 1}
    assert plain == written
    plural = {key: text for key, text in compiled.items() if isinstance(key, tuple)}
    forms = {
        (msgid, number): text
        for msgid, texts, _fuzzy in entries(ROOT / PO)
        if len(texts) > 1
        for number, text in enumerate(texts)
    }
    assert plural == forms


def test_every_marked_sentence_has_its_spanish(tmp_path: Path) -> None:
    program("xgettext", package="gettext")
    for folder in SOURCES:
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    (tmp_path / PO).parent.mkdir(parents=True)
    shutil.copy(ROOT / PO, tmp_path / PO)
    command = [sys.executable, "-m", "django", "makemessages", "-l", "es", "--no-obsolete"]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}  # no settings of ours
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    missing = [msgid for msgid, texts, fuzzy in entries(tmp_path / PO) if fuzzy or not all(texts)]
    assert missing == []
