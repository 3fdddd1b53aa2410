"""What a power cut left behind is found and removed; what belongs to a row stays."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from fpga_export import services, store
from fpga_export.leftovers import sweep_leftovers
from fpga_export.models import ExportSession
from fpga_export.tasks import clean_up
from fpga_export.tests.test_services import SMALL, AtOnce, start


def left(path: Path, *, hours: float) -> Path:
    """A folder with a file in it, last touched so long ago."""
    path.mkdir(parents=True)
    (path / "x").write_text("x")
    then = (timezone.now() - timedelta(hours=hours)).timestamp()
    os.utime(path, (then, then))
    return path


@pytest.mark.django_db
def test_folders_without_a_row_go_after_an_hour() -> None:
    old = [left(store.root() / one / "user_9_1_00000000", hours=2) for one in store.FOLDERS]
    old += [left(store.work("user_9_1_00000000"), hours=2), left(store.root() / "check-1", hours=2)]
    file = store.networks() / "0123"
    file.write_text("x")
    os.utime(file, (0, 0))
    young = left(store.root() / "layer_outputs" / "user_9_2_00000000", hours=0.5)
    assert sweep_leftovers(at=timezone.now()) == len(old) + 1
    assert not any(one.exists() for one in [*old, file])
    assert young.exists()


def test_what_a_row_speaks_of_stays(ada: User, eve: User, at_once: AtOnce) -> None:
    done = at_once(lambda: start(ada, ExportSession.Kind.WEIGHTS, bits=4))
    waiting = start(eve, ExportSession.Kind.IMAGE, width=8, height=8)
    data = store.shipped()[SMALL].read_bytes()
    services.upload_network(ada, filename="red.keras", data=data, at=timezone.now())
    for path in store.root().rglob("*"):
        os.utime(path, (0, 0))
    clean_up()
    assert (store.published("model_weights_outputs", done.session_id) / "conv1_bias.txt").exists()
    assert (store.work(waiting.session_id) / "picture").exists()
    assert services.network_path(ada, "red.keras").read_bytes() == data


@pytest.mark.django_db
def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    outside = left(tmp_path / "outside", hours=5)
    link = store.root() / "check-link"
    link.symlink_to(outside)
    os.utime(link, (0, 0), follow_symlinks=False)
    assert sweep_leftovers(at=timezone.now()) == 1
    assert (outside / "x").exists()
