"""What no row speaks of: a power cut can part a file from its row."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from fpga_export import store
from fpga_export.models import ExportSession, UploadedNetwork
from visionai.lib.jobs import ENDED

AGE: Final = timedelta(hours=1)  # younger than that, its row may still be on its way


def sweep_leftovers(*, at: datetime) -> int:
    """Remove folders and files that belong to nothing; how many."""
    sessions = set(ExportSession.objects.values_list("session_id", flat=True))
    running = set(
        ExportSession.objects.exclude(state__in=ENDED).values_list("session_id", flat=True)
    )
    networks = set(UploadedNetwork.objects.values_list("stored", flat=True))
    found = [one for one in store.below("networks") if one.name not in networks]
    found += [one for one in store.below("work") if one.name not in running]
    found += list(store.root().glob("check-*"))
    for folder in store.FOLDERS:
        found += [one for one in store.below(folder) if one.name not in sessions]
    before = (at - AGE).timestamp()
    return sum(_removed(one, before) for one in found)


def _removed(path: Path, before: float) -> bool:
    try:
        if path.lstat().st_mtime >= before:
            return False
    except FileNotFoundError:
        return False
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    return True
