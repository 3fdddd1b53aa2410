import os
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from django.utils.translation import override
from pytest_django import Settings

from accounts import rotation, sealing
from accounts.apps import check_keys as check_at_start
from accounts.sealing import SealBroken
from tests.services.fixtures import Serve
from trading import sealed
from trading.models import Credential, TradingSession
from trading.tests.factories import a_trading_session
from visionai.lib.errors import ConfigurationError

CANARY = "canary-of-the-broker-91c2"
OTHER = "33" * 32


@pytest.fixture(autouse=True)
def own_folder(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    settings.SECRETS_KEYS, settings.DATA_DIR = [], tmp_path
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    with override("en"):
        yield tmp_path


def sessions(number: int) -> list[TradingSession]:
    made = [a_trading_session() for _ in range(number)]
    for one in made:
        sealed.keep(one, email="ada@example.org", password=f"{CANARY}-{one.pk}", token=None)
    return made


def opened(sessions: list[TradingSession]) -> bool:
    return all(sealed.kept(one, "password") == f"{CANARY}-{one.pk}" for one in sessions)


def command(*options: str) -> str:
    said = StringIO()
    call_command("rotate_keys", *options, stdout=said)
    return said.getvalue()


@pytest.mark.django_db
def test_a_new_key_takes_over_in_batches_and_the_old_one_can_go(
    monkeypatch: pytest.MonkeyPatch, own_folder: Path
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 3)
    mine = sessions(7)
    first = sealing.known_keys()[0].id
    assert sealing.sealed_under() == {first: 14}
    assert "14 values re-wrapped" in command("--new")
    new, old = sealing.known_keys()
    assert old.id == first
    assert sealing.sealed_under() == {new.id: 14}
    assert "0 values re-wrapped" in command()
    assert opened(mine)
    with pytest.raises(CommandError, match="try again in 10 minutes"):
        command("--forget")
    before = (timezone.now() - timedelta(minutes=11)).timestamp()
    os.utime(own_folder / "sealing_keys", (before, before))
    assert "1 older keys dropped" in command("--forget")
    assert sealing.known_keys() == [new]
    assert (own_folder / "sealing_keys").stat().st_mode & 0o777 == 0o600
    assert opened(mine)


@pytest.mark.django_db
def test_a_rotation_that_is_killed_half_way_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = sessions(4)
    rotation.add_key()
    done = 0
    wrap = sealing.rewrapped

    def killed(blob: bytes) -> bytes | None:
        nonlocal done
        done += 1
        if done == 4:
            raise KeyboardInterrupt
        return wrap(blob)

    monkeypatch.setattr(sealing, "rewrapped", killed)
    with pytest.raises(KeyboardInterrupt):
        rotation.rotate()
    assert sorted(sealing.sealed_under().values()) == [3, 5]
    assert opened(mine)
    monkeypatch.undo()
    assert rotation.rotate().rewrapped == 5
    assert len(sealing.sealed_under()) == 1
    assert opened(mine)


@pytest.mark.django_db
def test_a_value_written_during_a_rotation_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (mine,) = sessions(1)
    rotation.add_key()
    wrap = sealing.rewrapped

    def meanwhile(blob: bytes) -> bytes | None:
        sealed.keep(mine, email="new@example.org", password="a newer one")
        return wrap(blob)

    monkeypatch.setattr(sealing, "rewrapped", meanwhile)
    rotation.rotate()
    assert sealed.kept(mine, "email") == "new@example.org"
    assert sealed.kept(mine, "password") == "a newer one"


@pytest.mark.django_db
def test_no_key_is_dropped_while_a_value_is_under_it(own_folder: Path) -> None:
    sessions(1)
    rotation.add_key()
    with pytest.raises(ConfigurationError, match="2 values are still under an older key"):
        rotation.forget_keys(at=timezone.now() + timedelta(hours=1))


@pytest.mark.django_db
def test_keys_of_the_environment_are_changed_there(settings: Settings) -> None:
    mine = sessions(2)
    kept = sealing.known_keys()[0].secret.hex()
    settings.SECRETS_KEYS = [OTHER, kept]
    with pytest.raises(CommandError, match="SECRETS_KEYS: the keys are set there"):
        command("--new")
    assert "4 values re-wrapped" in command()
    settings.SECRETS_KEYS = [OTHER]
    assert opened(mine)


@pytest.mark.django_db
def test_a_missing_key_is_a_fault_at_the_start_and_no_new_one_hides_it(own_folder: Path) -> None:
    (mine,) = sessions(1)
    rotation.check_keys()
    (own_folder / "sealing_keys").rename(own_folder / "away")
    with pytest.raises(ConfigurationError, match="SECRETS_KEYS: 2 sealed values need a key"):
        rotation.check_keys()
    with pytest.raises(SealBroken):
        sealed.seal(mine, "password", "another")
    assert not (own_folder / "sealing_keys").exists()
    (own_folder / "away").rename(own_folder / "sealing_keys")
    rotation.check_keys()
    assert opened([mine])


@pytest.mark.django_db
def test_a_key_of_another_machine_is_a_fault_and_what_it_sealed_can_be_given_up(
    settings: Settings,
) -> None:
    (mine,) = sessions(1)
    settings.SECRETS_KEYS = [OTHER]
    with pytest.raises(ConfigurationError, match="2 sealed values"):
        rotation.check_keys()
    with pytest.raises(CommandError, match="2 values need a key"):
        command()
    sealed.keep(mine, token="a good one")
    assert "2 values without a key deleted" in command("--discard-lost")
    rotation.check_keys()
    row = Credential.objects.get(session=mine)
    assert (row.email, row.password) == (None, None)
    assert sealed.kept(mine, "token") == "a good one"


@pytest.mark.django_db
def test_a_key_file_that_others_can_read_is_a_fault(own_folder: Path) -> None:
    rotation.check_keys()
    (own_folder / "sealing_keys").chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        rotation.check_keys()


def test_a_database_that_is_away_prevents_no_start_and_a_missing_key_does(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        raise OperationalError

    def missing() -> None:
        raise ConfigurationError(["SECRETS_KEYS: bring them back"])

    monkeypatch.setattr(rotation, "check_keys", away)
    check_at_start()
    assert "could not be checked" in caplog.text
    monkeypatch.setattr(rotation, "check_keys", missing)
    with pytest.raises(ConfigurationError):
        check_at_start()


@pytest.mark.django_db
def test_no_stored_byte_says_the_secret() -> None:
    mine = sessions(2)
    for row in Credential.objects.all():
        assert CANARY.encode() not in bytes(row.password or b"")
        assert b"ada@example" not in bytes(row.email or b"")
    said = StringIO()
    call_command("dumpdata", "trading", stdout=said)
    assert str(mine[0].pk) in said.getvalue()
    assert CANARY not in said.getvalue()


@pytest.mark.server
def test_a_server_makes_its_keys_at_the_first_start(serve: Serve) -> None:
    server = serve()
    path = server.data_dir / "sealing_keys"
    assert path.stat().st_mode & 0o777 == 0o600
