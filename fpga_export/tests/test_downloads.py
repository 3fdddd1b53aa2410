"""Files leave whole, a piece at a time, and never together in memory."""

import asyncio
import io
import itertools
import os
import tracemalloc
import zipfile
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import override
from rest_framework.test import APIClient

from accounts.models import User, UserLimit
from fpga_export import api, services, store
from fpga_export.archive import CHUNK, Pieces, zipped
from fpga_export.models import Artifact, ExportSession
from fpga_export.refusals import NoExport, QuotaReached, TooManyNetworks
from fpga_export.tests.test_services import SMALL, AtOnce, start
from visionai.lib.jobs import JobState

MB = 2**20


def an_export(owner: User, files: dict[str, bytes]) -> ExportSession:
    """One that is done, with those files on the disk and in rows."""
    session_id = services.new_session_id(owner, None, timezone.now())
    export = ExportSession.objects.create(
        owner=owner,
        session_id=session_id,
        kind=ExportSession.Kind.WEIGHTS,
        state=JobState.DONE,
        created_at=timezone.now(),
    )
    folder = store.published("hdl_designs", session_id)
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        Artifact.objects.create(
            export=export, folder="hdl_designs", name=name, size=len(data), sha256=""
        )
    return export


def collected(response: Any) -> list[bytes]:
    async def all_of_it() -> list[bytes]:
        return [piece async for piece in response.streaming_content]

    return asyncio.run(all_of_it())


def test_a_zip_of_64_megabytes_takes_less_than_four_of_memory(ada: User) -> None:
    noise = os.urandom(MB)  # nothing that would shrink
    export = an_export(ada, {f"lib/{n}.bin": noise * 8 for n in range(8)})
    tracemalloc.start()
    size = sum(len(piece) for piece in zipped(export))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 64 * MB
    assert peak < 4 * MB


def test_the_zip_holds_every_file_as_it_is(ada: User) -> None:
    files = {"Makefile": b"sim:", "lib/a.vhd": b"entity", "empty": b"", "big": os.urandom(MB)}
    export = an_export(ada, files)
    with zipfile.ZipFile(io.BytesIO(b"".join(zipped(export)))) as archive:
        assert archive.testzip() is None
        found = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert found == files


def test_a_large_file_is_sent_in_pieces_and_a_small_one_at_once(ada: User) -> None:
    data = os.urandom(3 * MB + 1)
    export = an_export(ada, {"big.bin": data, "small.txt": b"x"})
    big, small = export.artifacts.get(name="big.bin"), export.artifacts.get(name="small.txt")
    response = api.sent(big)
    assert isinstance(response, StreamingHttpResponse)
    assert response["Content-Length"] == str(len(data))
    assert response["Content-Disposition"] == 'attachment; filename="big.bin"'
    pieces = collected(response)
    response.close()
    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= CHUNK
    answer = api.sent(small)
    assert getattr(answer, "content", b"") == b"x"
    assert (answer["X-Content-Type-Options"], answer["Content-Security-Policy"]) == (
        "nosniff",
        "sandbox",
    )


def test_a_reader_who_leaves_midway_leaves_no_file_open(ada: User) -> None:
    export = an_export(ada, {"big.bin": bytes(3 * MB)})
    pieces = Pieces(store.published("hdl_designs", export.session_id) / "big.bin")
    response = StreamingHttpResponse(pieces)
    response.close()
    assert pieces._file.closed


def test_a_file_that_vanished_is_a_refusal(ada: User) -> None:
    export = an_export(ada, {"big.bin": bytes(MB), "small.txt": b"x"})
    store.forget(export.session_id)
    for artifact in export.artifacts.all():
        with pytest.raises(NoExport):
            api.sent(artifact)


def test_a_full_quota_says_what_to_delete(ada: User) -> None:
    small = an_export(ada, {"a.txt": b"x" * 500})
    large = an_export(ada, {"b.txt": b"x" * 3000})
    UserLimit.objects.create(user=ada, name="storage", most=3400)
    with override("es"), pytest.raises(QuotaReached) as refused:
        start(ada, ExportSession.Kind.WEIGHTS, bits=8)
    told = refused.value.sentence()
    assert told.index(large.session_id) < told.index(small.session_id)
    assert "3,4" in told  # of kilobytes in use
    api_client = APIClient()
    api_client.force_authenticate(ada)
    asked = {"kind": "weights", "network": SMALL}
    answer = api_client.post("/api/v1/hardware/exports", asked)
    assert (answer.status_code, answer.json()["code"]) == (409, "quota")
    assert large.session_id in answer.json()["detail"]


def test_a_run_that_found_no_room_says_how_much_it_made(ada: User, at_once: AtOnce) -> None:
    kept = an_export(ada, {"a.txt": b"x" * 500})
    UserLimit.objects.create(user=ada, name="storage", most=MB)
    export = at_once(lambda: start(ada, ExportSession.Kind.WEIGHTS, bits=8))
    export.refresh_from_db()
    assert export.error["code"] == "quota"
    assert kept.session_id in export.error["facts"]["largest"]


def test_the_fifty_first_network_is_refused_by_its_number(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_NETWORKS", 1)
    data = store.shipped()[SMALL].read_bytes()
    services.upload_network(ada, filename="a.keras", data=data, at=timezone.now())
    with pytest.raises(TooManyNetworks):
        services.upload_network(ada, filename="b.keras", data=data, at=timezone.now())


FOLDERS_OF_KINDS = {
    "layer_outputs": ("conv1_feature_maps.xlsx", "conv1_channel_0.png", "conv1_mosaic.png"),
    "vhdl_outputs": (
        "Memoria_Imagen_x.vhdl.txt",
        "image.coe",
        "image.mif",
        "image.mem",
        "image.hex",
    ),
    "model_weights_outputs": ("conv1_weights.txt", "conv1_bias.txt", "conv1_weights.h"),
    "hdl_designs": ("Makefile", "lib/nn_mac.vhd", "report.json", "report.xlsx", "network.json"),
    "fault_outputs": ("campaign.csv", "campaign.xlsx", "curves.png"),
}


def test_a_stranger_gets_404_for_every_kind_of_file(ada: User, eve: User) -> None:
    assert set(FOLDERS_OF_KINDS) == set(store.FOLDERS)
    stranger, owner, nobody = APIClient(), APIClient(), APIClient()
    stranger.force_authenticate(eve)
    owner.force_authenticate(ada)
    for folder, names in FOLDERS_OF_KINDS.items():
        export = an_export(ada, {})
        for name in names:
            path = store.published(folder, export.session_id) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"secret")
            Artifact.objects.create(export=export, folder=folder, name=name, size=6, sha256="")
            base = f"/api/v1/hardware/exports/{export.session_id}"
            told = f"{folder}/{export.session_id}/{name}"
            urls = [f"{base}/files/{name}", f"/download_file/{told}", f"/download_file/{name}"]
            urls += [f"/download_file/?file_path={name}&t={export.session_id}", base, f"{base}/zip"]
            for url in urls:
                assert stranger.get(url).status_code == 404, url
                assert nobody.get(url).status_code == 401, url
            for url in urls[:4]:
                assert owner.get(url).content == b"secret", url
        for method, tail in itertools.product(("post", "delete"), ("", "/cancel", "/netlist")):
            answer = getattr(stranger, method)(f"{base}{tail}")
            assert answer.status_code in {404, 405}
        assert ExportSession.objects.filter(pk=export.pk).exists()
