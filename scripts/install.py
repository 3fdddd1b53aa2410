"""Make `.venv` and install the pinned packages, only when they changed: `install.py runtime`.

Runs on a bare Python 3.11 or newer: nothing but the standard library.
"""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LISTS = {
    "runtime": ["requirements.txt"],
    "development": ["requirements.txt", "requirements-dev.txt"],
}


def main(wanted: str) -> int:
    if sys.version_info < (3, 11):
        print(f"VisionAI needs Python 3.11 or newer, and this is {sys.version.split()[0]};")
        print("name a newer one: make run PYTHON=python3.12")
        return 1
    stamp = VENV / wanted
    if stamp.is_file() and stamp.read_text() == digest(wanted):
        return 0
    if not (VENV / "bin" / "python").exists():
        print("Making .venv ...", flush=True)
        venv.create(VENV, with_pip=True)
    print(f"Installing {LISTS[wanted][-1]}: some minutes, the first time ...", flush=True)
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    packages = str(ROOT / LISTS[wanted][-1])
    done = subprocess.run([*pip, "--quiet", "-r", packages], check=False)
    if done.returncode:
        print("The packages could not be installed: see the lines above, then run it again.")
        return done.returncode
    stamp.write_text(digest(wanted))
    if wanted == "development":
        (VENV / "runtime").write_text(digest("runtime"))
    return 0


def digest(wanted: str) -> str:
    """Of the Python version and the package lists."""
    content = sys.version.encode() + b"".join((ROOT / name).read_bytes() for name in LISTS[wanted])
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
