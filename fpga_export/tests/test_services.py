"""Uploads, runs in a real child process, and their files."""

import io
import stat
import zipfile
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from django.utils.translation import override
from PIL import Image

from accounts.acts import EXPORT_RUN
from accounts.models import UsageRow, User, UserLimit
from accounts.plans import DailyLimitReached
from fpga_export import services, store
from fpga_export.archive import zipped
from fpga_export.models import Artifact, ExportQuerySet, ExportSession
from fpga_export.refusals import BusyAlready, NameTaken, NetworkRefused, NoNetwork, QuotaReached
from fpga_export.selectors import error_sentence, find_file
from sessions_app.client import Client
from sessions_app.models import Sesion
from sessions_app.services import end_session, start_session
from visionai.lib.jobs import JobState

SMALL = "letters-small-v1.keras"
AtOnce = Callable[[Callable[[], Any]], Any]


def a_picture(side: int = 40) -> bytes:
    rng = np.random.default_rng(1)
    out = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, (side, side), np.uint8)).save(out, "PNG")
    return out.getvalue()


def start(user: User, kind: ExportSession.Kind, **asked: Any) -> ExportSession:
    network = "" if kind == ExportSession.Kind.IMAGE else SMALL
    picture = None if kind == ExportSession.Kind.WEIGHTS else a_picture()
    return services.start_export(
        user,
        None,
        kind=kind,
        asked=asked,
        network=network,
        picture=picture,
        at=timezone.now(),
    )


def finished(export: ExportSession) -> ExportSession:
    export.refresh_from_db()
    assert export.state == JobState.DONE, export.error
    return export


def test_every_layer_is_shown_and_its_files_are_private(ada: User, at_once: AtOnce) -> None:
    export = finished(at_once(lambda: start(ada, ExportSession.Kind.INFERENCE)))
    names = set(export.artifacts.values_list("name", flat=True))
    assert {"conv1_feature_maps.xlsx", "conv1_channel_0.png", "conv1_mosaic.png"} <= names
    assert "conv1_mosaic_integer.png" in names
    layers = {layer["name"]: layer for layer in export.result["layers"]}
    assert layers["conv1"]["sqnr_db"] > 25
    assert len(export.result["all_probabilities"]) == 26
    assert abs(sum(export.result["all_probabilities"]) - 1) < 1e-4
    folder = store.published("layer_outputs", export.session_id)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert not store.work(export.session_id).exists()


def test_a_picture_becomes_a_memory_of_1024_words(ada: User, at_once: AtOnce) -> None:
    asked = {"width": 32, "height": 32, "gray": True, "way": "resize"}
    export = finished(at_once(lambda: start(ada, ExportSession.Kind.IMAGE, **asked)))
    assert export.result["file"] == f"Memoria_Imagen_{export.session_id}.vhdl.txt"
    matrix = np.array(export.result["decimal_matrix"])
    assert matrix.shape == (32, 32)
    assert export.result["hex_matrix"][0][0] == f"{matrix[0, 0]:02X}"


def test_weights_are_written_for_every_layer(ada: User, at_once: AtOnce) -> None:
    export = finished(at_once(lambda: start(ada, ExportSession.Kind.WEIGHTS, bits=8)))
    names = set(export.artifacts.values_list("name", flat=True))
    assert {"conv1_weights.txt", "conv1_bias.txt", "dense_weights.txt"} <= names


@pytest.mark.database
def test_a_whole_network_is_simulated_before_it_is_given(ada: User, at_once: AtOnce) -> None:
    export = finished(at_once(lambda: start(ada, ExportSession.Kind.DESIGN, lanes=16, bits=8)))
    assert export.result["label"] == "verified"
    assert export.result["verdict"]["values"] > 20_000
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped(export)))) as archive:
        names = [name.partition("/")[2] for name in archive.namelist()]
    assert {"Makefile", "README.md", "lib/nn_mac.vhd", "verdict.json"} <= set(names)
    assert not any(name.startswith("build") for name in names)


def test_a_stream_is_simulated_before_it_is_given_and_says_how_fast_it_is(
    ada: User, at_once: AtOnce
) -> None:
    asked = {"preset": "stream", "lanes": 16, "bits": 8}
    export = finished(at_once(lambda: start(ada, ExportSession.Kind.DESIGN, **asked)))
    result = export.result
    assert (result["label"], result["preset"]) == ("verified", "stream")
    assert result["verdict"]["values"] > 20_000
    assert result["cycles"] < result["first_cycles"] < 20_000
    assert result["multipliers"] == sum(node["lanes"] for node in result["nodes"])
    assert all(node["cycles"] == node["simulated_cycles"] for node in result["nodes"][1:])
    assert result["report"]["network"]["preset"] == "stream"
    names = set(export.artifacts.values_list("name", flat=True))
    assert {"lib/ns_walk.vhd", "sim/netlist/netlist_tb.v", "report.xlsx"} <= names


def test_a_run_that_fails_says_why_and_leaves_nothing(ada: User, at_once: AtOnce) -> None:
    def broken() -> ExportSession:
        return services.start_export(
            ada,
            None,
            kind=ExportSession.Kind.INFERENCE,
            asked={},
            network=SMALL,
            picture=b"no picture",
            at=timezone.now(),
        )

    export = at_once(broken)
    export.refresh_from_db()
    assert (export.state, export.error["code"]) == (JobState.FAILED, "unsupported_format")
    assert not export.artifacts.exists()
    assert not store.work(export.session_id).exists()


def test_a_run_that_is_deleted_meanwhile_leaves_nothing(ada: User) -> None:
    export = start(ada, ExportSession.Kind.WEIGHTS, bits=8)
    made = store.work(export.session_id) / "out" / "vhdl_outputs"
    made.mkdir(parents=True)
    (made / "x.txt").write_text("x")
    ExportSession.objects.filter(pk=export.pk).delete()
    services._publish(export, {})
    assert [path for path in store.root().rglob("*") if path.is_file()] == []


def test_one_run_at_a_time(ada: User, eve: User) -> None:
    first = start(ada, ExportSession.Kind.WEIGHTS, bits=8)
    with pytest.raises(BusyAlready):
        start(ada, ExportSession.Kind.WEIGHTS, bits=8)
    start(eve, ExportSession.Kind.WEIGHTS, bits=8)
    assert services.cancel_export(first, at=timezone.now())
    start(ada, ExportSession.Kind.WEIGHTS, bits=8)


def test_a_cancelled_run_is_not_begun(ada: User) -> None:
    export = start(ada, ExportSession.Kind.WEIGHTS, bits=8)
    services.cancel_export(export, at=timezone.now())
    services.run(export.pk)
    export.refresh_from_db()
    assert export.state == JobState.CANCELLED
    assert not services.cancel_export(export, at=timezone.now())


def test_a_running_child_ends_when_it_is_cancelled(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = start(ada, ExportSession.Kind.WEIGHTS, bits=8)
    real = services._note

    def cancelling(rows: ExportQuerySet, told: Mapping[str, Any]) -> bool:
        rows.update(wants_cancel=True)
        return real(rows, told)

    monkeypatch.setattr(services, "_note", cancelling)
    services.run(export.pk)
    export.refresh_from_db()
    assert export.state == JobState.CANCELLED
    assert not export.artifacts.exists()


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Sesion.EndReason.LOGOUT, JobState.DONE),
        (Sesion.EndReason.IDLE, JobState.DONE),
        (Sesion.EndReason.REVOKED_BY_USER, JobState.CANCELLED),
        (Sesion.EndReason.PASSWORD_CHANGED, JobState.CANCELLED),
    ],
)
def test_a_login_that_is_taken_back_takes_its_runs_along(
    ada: User, reason: Sesion.EndReason, state: JobState
) -> None:
    at = timezone.now()
    nobody = Client(ip=None, user_agent="")
    sesion = start_session(ada, kind=Sesion.Kind.API, client=nobody, at=at)
    export = services.start_export(
        ada,
        sesion,
        kind=ExportSession.Kind.WEIGHTS,
        asked={"bits": 8},
        network=SMALL,
        at=at,
    )
    end_session(sesion, reason=reason, at=at)
    services.run(export.pk)
    export.refresh_from_db()
    assert export.state == state


def test_what_a_killed_worker_left_is_sent_again_and_done(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = start(ada, ExportSession.Kind.WEIGHTS, bits=8)
    long_ago = timezone.now() - timedelta(minutes=5)
    rows = ExportSession.objects.filter(pk=export.pk)
    rows.update(state=JobState.RUNNING, heartbeat_at=long_ago, attempts=1)
    sent: list[int] = []

    def note(args: list[int], **_: object) -> None:
        sent.extend(args)

    monkeypatch.setattr("fpga_export.tasks.run_export.apply_async", note)
    assert services.send_silent_again(at=timezone.now()) == 1
    services.run(sent[0])
    assert finished(export).attempts == 2
    services.run(sent[0])  # the message comes twice
    assert finished(export).attempts == 2


def test_networks_are_kept_listed_and_deleted(ada: User, eve: User) -> None:
    data = store.shipped()[SMALL].read_bytes()
    made = services.upload_network(ada, filename="red.keras", data=data, at=timezone.now())
    assert made.parameters == 51_338
    assert services.network_path(ada, "red.keras").read_bytes() == data
    with pytest.raises(NoNetwork):
        services.network_path(eve, "red.keras")
    with pytest.raises(NameTaken):
        services.upload_network(ada, filename="red.keras", data=data, at=timezone.now())
    with pytest.raises(NoNetwork):
        services.delete_network(eve, "red.keras")
    services.delete_network(ada, "red.keras")
    assert list(store.networks().iterdir()) == []


@pytest.mark.parametrize(
    ("filename", "data", "code"),
    [
        ("red.keras", b"", "not_keras"),
        ("red.keras", b"PK\x03\x04junk", "damaged_zip"),
        ("red.h5", b"\x89HDF\r\n\x1a\njunk", "not_hdf5"),
        ("red.pkl", b"\x80\x04.", "bad_name"),
        ("..", b"", "bad_name"),
    ],
)
def test_what_is_no_network_is_refused(ada: User, filename: str, data: bytes, code: str) -> None:
    with pytest.raises(NetworkRefused) as refused:
        services.upload_network(ada, filename=filename, data=data, at=timezone.now())
    assert refused.value.code == code
    assert list(store.networks().iterdir()) == []


def test_a_full_quota_takes_nothing_more(ada: User) -> None:
    data = store.shipped()[SMALL].read_bytes()
    UserLimit.objects.create(user=ada, name="storage", most=len(data) - 1)
    with pytest.raises(QuotaReached):
        services.upload_network(ada, filename="red.keras", data=data, at=timezone.now())


def test_a_run_that_makes_more_than_there_is_room_for_leaves_nothing(
    ada: User, at_once: AtOnce
) -> None:
    UserLimit.objects.create(user=ada, name="storage", most=1 << 20)  # the memories take more
    with override("es"):  # another test's pages may have left another language
        export = at_once(lambda: start(ada, ExportSession.Kind.WEIGHTS, bits=8))
        export.refresh_from_db()
        assert (export.state, export.error["code"]) == (JobState.FAILED, "quota")
        assert " 1,0 MB" in error_sentence(export)
    assert not export.artifacts.exists()
    assert [path for path in store.root().rglob("*") if path.is_file()] == []


def test_files_are_found_by_name_in_ones_own_exports_alone(
    ada: User, eve: User, at_once: AtOnce
) -> None:
    export = finished(at_once(lambda: start(ada, ExportSession.Kind.WEIGHTS, bits=8)))
    assert find_file(ada, "conv1_weights.txt") is not None
    told = f"model_weights_outputs/{export.session_id}/conv1_weights.txt"
    assert find_file(ada, told) is not None
    assert find_file(eve, "conv1_weights.txt") is None
    assert find_file(ada, "conv1_weights.txt", session_id="user_9_9_00000000") is None


def test_old_exports_are_cleaned_up_with_their_files(ada: User, eve: User, at_once: AtOnce) -> None:
    export = finished(at_once(lambda: start(ada, ExportSession.Kind.WEIGHTS, bits=4)))
    later = timezone.now() + timedelta(hours=25)
    assert services.clean_up(at=later, owner=eve) == 0
    assert services.clean_up(at=timezone.now()) == 0
    assert services.clean_up(at=later) == 1
    assert not store.published("model_weights_outputs", export.session_id).exists()
    assert not Artifact.objects.exists()


def test_erasing_an_account_takes_its_files_too(ada: User, at_once: AtOnce) -> None:
    finished(at_once(lambda: start(ada, ExportSession.Kind.WEIGHTS, bits=4)))
    data = store.shipped()[SMALL].read_bytes()
    services.upload_network(ada, filename="red.keras", data=data, at=timezone.now())
    services.erase_of(ada)
    left = [path for path in store.root().rglob("*") if path.is_file()]
    assert left == []


def test_a_finished_run_counts_once_and_the_days_limit_refuses_the_next(
    ada: User, at_once: AtOnce
) -> None:
    UserLimit.objects.create(user=ada, name="exports_a_day", most=1)
    export = at_once(lambda: start(ada, ExportSession.Kind.WEIGHTS, bits=8))
    services.run(export.pk)
    row = UsageRow.objects.get()
    assert (row.user, row.act, row.amount) == (ada, EXPORT_RUN.name, 1)
    assert row.session == export.session_id
    with pytest.raises(DailyLimitReached):
        start(ada, ExportSession.Kind.WEIGHTS, bits=8)
    services.delete_export(export)
    with pytest.raises(DailyLimitReached):
        start(ada, ExportSession.Kind.WEIGHTS, bits=8)


def test_a_run_that_fails_costs_nothing(ada: User, at_once: AtOnce) -> None:
    UserLimit.objects.create(user=ada, name="storage", most=1)
    at_once(lambda: start(ada, ExportSession.Kind.WEIGHTS, bits=8))
    assert not UsageRow.objects.exists()
