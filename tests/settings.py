"""The product's settings as on a fresh machine, whatever this one has in `.env`.

Of this machine's variables only DATABASE_URL and REDIS_URL count: with them the same tests run on
another database (`tests/test_other_databases.py`).
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from visionai.lib.env import Environment

for _name in {*map(str.upper, Environment.model_fields), "MODEL", "model"}:
    if _name not in {"DATABASE_URL", "REDIS_URL"}:
        os.environ.pop(_name, None)
os.environ["ENV_FILE"] = os.devnull
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="visionai-tests-")
atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)

from visionai.settings import *  # noqa: E402, F403
from visionai.settings import DATABASES, PASSWORD_HASHERS  # noqa: E402

# A file, so that threads meet the same locks as in the product; without the waits for the disk.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": Path(os.environ["DATA_DIR"]) / "test.sqlite3"}
    DATABASES["default"]["OPTIONS"]["init_command"] = (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    )
if DATABASES["default"]["ENGINE"].endswith("mysql"):
    DATABASES["default"]["TEST"] = {"CHARSET": "utf8mb4"}
PASSWORD_HASHERS = ["tests.hashers.QuickArgon2PasswordHasher", *PASSWORD_HASHERS[1:]]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
# A thread of a test may end without giving its connection back.
DATABASES["default"].get("OPTIONS", {}).pop("pool", None)
