"""The emulator as a program, and the operator's checks against it."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.services.server import ROOT, environment_for
from trading.brokers.clock import ScaledClock
from trading.brokers.emulator.people import PASSWORD
from trading.brokers.emulator.running import Running, running_emulator
from trading.brokers.emulator.server import START

pytestmark = pytest.mark.server


@pytest.fixture
def emulator() -> Iterator[Running]:
    with running_emulator(clock=ScaledClock(START, speed=20)) as made:
        yield made


@pytest.mark.django_db(transaction=True)
def test_an_operators_checks_read_and_place_nothing(
    emulator: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROKER_EMAIL", "ok@test")
    monkeypatch.setenv("BROKER_PASSWORD", PASSWORD)
    with override_settings(BROKERS={"exnova": emulator.hosts}):
        call_command("broker_contract", "exnova", seconds=0.5)
    said = capsys.readouterr().out
    assert "FAILED" not in said
    assert said.count("ok ") >= 8
    assert PASSWORD not in said
    assert emulator.state()["asked"] == 0
    assert emulator.state()["sessions"] == 0


@pytest.mark.django_db(transaction=True)
def test_an_operator_may_ask_for_one_order_of_the_least_stake(
    emulator: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROKER_EMAIL", "ok@test")
    monkeypatch.setenv("BROKER_PASSWORD", PASSWORD)
    with override_settings(BROKERS={"exnova": emulator.hosts}):
        call_command("broker_contract", "exnova", seconds=0.2, place_one_order=True)
    (entry,) = emulator.orders()
    assert (entry["stake"], entry["settlements"]) == ("1.0", 1)
    assert "ok     one order" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_a_wrong_password_fails_the_checks_without_showing_it(
    emulator: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_EMAIL", "ok@test")
    monkeypatch.setenv("BROKER_PASSWORD", "canary7f3a")
    with (
        override_settings(BROKERS={"exnova": emulator.hosts}),
        pytest.raises(CommandError, match="invalid_credentials") as refused,
    ):
        call_command("broker_contract", "exnova")
    assert "canary" not in str(refused.value)


def test_the_emulator_runs_as_a_program_with_its_control(tmp_path: Path) -> None:
    command = [sys.executable, "manage.py", "broker_emulator", "--http-port=0", "--ws-port=0"]
    with subprocess.Popen(
        [*command, "--control"],
        cwd=ROOT,
        env=os.environ | environment_for(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            try_the_control(program)
            program.send_signal(signal.SIGTERM)
            assert program.wait(10) == 0
        finally:
            program.kill()


def try_the_control(program: subprocess.Popen[str]) -> None:
    assert program.stdout is not None
    lines = [program.stdout.readline().strip() for _ in range(7)]
    assert lines[0].startswith("EXNOVA_LOGIN_URL=http://127.0.0.1:")
    address, key = lines[-1].removeprefix("control: POST ").split(", X-Control: ")

    def ask(asked: dict[str, object], with_key: str = key) -> Any:
        request = urllib.request.Request(
            address, json.dumps(asked).encode(), {"X-Control": with_key}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["answer"]

    assert ask({"do": "orders"}) == []
    ask({"do": "set", "drop_after_order": 1})
    assert ask({"do": "state"})["sessions"] == 0
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask({"do": "orders"}, with_key="guess")
    refused.value.close()
