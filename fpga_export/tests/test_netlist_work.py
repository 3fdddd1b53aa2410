"""A finished design past synthesis: who may start it, what it starts from, what it says."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from fpga_export import netlist_work, services, store
from fpga_export.child import Ended
from fpga_export.core.ir import Network
from fpga_export.core.vhdl.design import design
from fpga_export.models import ExportSession
from fpga_export.netlist_work import past_synthesis
from fpga_export.simulators import library, write
from fpga_export.tests.ghdl import needs
from fpga_export.tests.test_hdl_traps import conv, source
from visionai.lib.jobs import JobState

AtOnce = Callable[[Callable[[], Any]], Any]


def small_design() -> dict[str, str]:
    picture = source((3, 3, 2))
    network = Network("small", (picture, conv(picture, outputs=2)), "c")
    codes = np.arange(18).reshape(3, 3, 2)
    return design(network, lanes=2, pictures=[codes], name="tiny", library=library())


def a_design(owner: User, *, state: str = JobState.DONE) -> ExportSession:
    export = ExportSession.objects.create(
        session_id=services.new_session_id(owner, None, timezone.now()),
        owner=owner,
        kind=ExportSession.Kind.DESIGN,
        network="letters-small-v1.keras",
        state=state,
        created_at=timezone.now(),
        ended_at=timezone.now() if state == JobState.DONE else None,
    )
    write(small_design(), store.published("hdl_designs", export.session_id))
    return export


def test_a_netlist_is_simulated_counted_and_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("ghdl", "iverilog", "yosys", "nextpnr-ice40"):
        needs(program)
    monkeypatch.setattr(netlist_work, "TARGETS", ("ice40",))
    write(small_design(), tmp_path / "design")
    told: list[str] = []
    made: dict[str, str | bytes] = {}
    found = past_synthesis(
        tmp_path / "design",
        tell=lambda progress, step: told.append(step),
        write=lambda folder, name, content: made.update({f"{folder}/{name}": content}),
    )
    assert found["label"] == "verified"
    assert found["netlist"]["values"] == 18
    assert [one["target"] for one in found["estimates"]] == ["ice40"]
    assert found["clock"]["megahertz"] > 30
    assert found["milliseconds"] == pytest.approx(
        found["cycles"] / found["clock"]["megahertz"] / 1e3
    )
    assert told == ["netlist", "ice40", "clock"]
    assert set(made) == {"hdl_designs/tiny.v", "hdl_designs/estimates.json"}
    assert json.loads(made["hdl_designs/estimates.json"])["label"] == "verified"


def test_the_run_starts_from_the_design_s_own_files(
    ada: User, at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[set[str], float]] = []

    def child(folder: Path, asked: Mapping[str, Any], *, seconds: float, **_: object) -> Any:
        seen.append(({path.name for path in (folder / "design").iterdir()}, seconds))
        assert asked["kind"] == "netlist"
        return Ended(0, {"label": "verified"}, {})

    monkeypatch.setattr(services, "run_child", child)
    made = at_once(lambda: services.start_netlist(ada, None, a_design(ada), at=timezone.now()))
    made.refresh_from_db()
    assert (made.state, made.result["label"]) == (JobState.DONE, "verified")
    assert {"tiny.vhd", "Makefile", "design.json"} <= seen[0][0]
    assert seen[0][1] == services.NETLIST_S


def test_a_design_that_was_deleted_meanwhile_is_named(ada: User, at_once: AtOnce) -> None:
    chosen = a_design(ada)

    def act() -> ExportSession:
        made = services.start_netlist(ada, None, chosen, at=timezone.now())
        services.delete_export(chosen)
        return made

    made = at_once(act)
    made.refresh_from_db()
    assert (made.state, made.error["code"]) == (JobState.FAILED, "no_design")


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_only_a_finished_design_is_taken_past_synthesis(
    ada: User, client: Client, state: str
) -> None:
    client.force_login(ada)
    chosen = a_design(ada, state=state)
    answer = client.post(f"/api/v1/hardware/exports/{chosen.session_id}/netlist")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_design")


def test_the_owner_starts_it_a_stranger_finds_nothing_and_nobody_is_asked_to_sign_in(
    ada: User, eve: User, client: Client, at_once: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "run", lambda pk: None)
    chosen = a_design(ada)
    url = f"/api/v1/hardware/exports/{chosen.session_id}/netlist"
    page = f"/hardware/trabajos/{chosen.session_id}/sintesis/"
    assert client.post(url).status_code == 401
    assert client.post(page).status_code == 302
    client.force_login(eve)
    assert client.post(url).status_code == 404
    assert client.post(page).status_code == 404
    client.force_login(ada)
    answer = at_once(lambda: client.post(url))
    assert answer.status_code == 202
    made = ExportSession.objects.get(session_id=answer.json()["session_id"])
    assert (made.kind, made.owner, made.network) == ("netlist", ada, chosen.network)


def test_the_page_shows_what_came_of_it(ada: User, client: Client) -> None:
    chosen = a_design(ada)
    counted = {"target": "ice40", "done": True, "lut": 1995, "ff": 1120, "dsp": 9}
    counted |= {"block_ram": 32, "seconds": 33.9}
    result = {
        "label": "verified",
        "cycles": 199_104,
        "netlist": {"values": 9106, "tools": ["GHDL 2.0.0", "Icarus 11.0"], "seconds": 9.3},
        "estimates": [counted, {"target": "xc7", "done": False, "seconds": 240.0}],
        "clock": {"done": True, "fits": True, "megahertz": 54.88},
        "milliseconds": 3.63,
    }
    made = ExportSession.objects.create(
        session_id="user_1_1_netlist",
        owner=ada,
        kind=ExportSession.Kind.NETLIST,
        asked={"design": chosen.session_id},
        result=result,
        state=JobState.DONE,
        created_at=timezone.now(),
        ended_at=timezone.now(),
    )
    client.force_login(ada)
    page = client.get(f"/hardware/trabajos/{made.session_id}/").content.decode()
    for told in ("9106", "54", "iCE40 HX8K", "GHDL 2.0.0", "ice40", chosen.session_id):
        assert told in page.replace(".106", "106").replace("\u202f", "").replace("\xa0", ""), told
    design_page = client.get(f"/hardware/trabajos/{chosen.session_id}/").content.decode()
    assert f"/hardware/trabajos/{chosen.session_id}/sintesis/" in design_page


def test_a_machine_without_the_programs_claims_nothing(
    ada: User, at_once: AtOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a real child, whose path is ours."""
    monkeypatch.setenv("PATH", str(tmp_path))
    made = at_once(lambda: services.start_netlist(ada, None, a_design(ada), at=timezone.now()))
    made.refresh_from_db()
    assert made.state == JobState.DONE, made.error
    assert made.result["label"] == "not_simulated"
    assert [one["done"] for one in made.result["estimates"]] == [False] * 3
    assert made.result["clock"]["done"] is False
    assert [one.name for one in made.artifacts.all()] == ["estimates.json"]
