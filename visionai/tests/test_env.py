import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.services.server import ROOT, environment_for
from visionai.lib.env import ORIGINAL_NAMES, PUBLISHED_SECRETS, Environment, read_environment
from visionai.lib.errors import ConfigurationError
from visionai.lib.secret import kept_secret

NAMES = {ORIGINAL_NAMES.get(field, field.upper()) for field in Environment.model_fields}
LONG = "x" * 32
MYSQL = {"DB_HOST": "db", "DB_USER": "me", "DB_PASSWORD": "p@ss/", "DB_NAME": "ovaweb_dev"}


def faults(**values: str) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as refused:
        read_environment(values)
    return dict(line.split(": ", 1) for line in refused.value.faults)


def test_no_setting_at_all_is_a_sound_one() -> None:
    environment = read_environment({})
    assert environment.database.startswith("sqlite:////")
    assert (environment.host, environment.port) == ("127.0.0.1", 8000)
    assert environment.registration_mode == "open"


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("ENVIRONMENT", "staging", "environment", "staging"),
        (
            "ALLOWED_ORIGINS",
            "https://a.b, http://c:1",
            "allowed_origins",
            ["https://a.b", "http://c:1"],
        ),
        ("CORS_MAX_AGE", "60", "cors_max_age", 60),
        ("USE_SQLITE", "true", "use_sqlite", True),
        ("DB_PORT", "3307", "db_port", 3307),
        ("DB_HOST", "db", "db_host", "db"),
        ("DB_USER", "me", "db_user", "me"),
        ("DB_PASSWORD", "secret", "db_password", "secret"),
        ("DB_NAME", "ovaweb_dev", "db_name", "ovaweb_dev"),
        ("JWT_SECRET_KEY", LONG, "jwt_secret_key", LONG),
        ("JWT_ALGORITHM", "HS256", "jwt_algorithm", "HS256"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30", "access_token_expire_minutes", 30),
        ("HF_API_KEY", "hf_1", "hf_api_key", "hf_1"),
        ("HF_MODELO_SIGN", "me/asl", "hf_modelo_sign", "me/asl"),
        ("HF_ASL_SPACE_URL", "https://x.hf.space", "hf_asl_space_url", "https://x.hf.space"),
        ("model", "a-model", "chat_model", "a-model"),
        ("LOG_LEVEL", "warning", "log_level", "WARNING"),
        ("HOST", "localhost", "host", "localhost"),
        ("PORT", "8123", "port", 8123),
        ("DEBUG", "True", "debug", True),
        ("MODEL_PATH", __file__, "model_path", Path(__file__)),
    ],
)
def test_an_original_variable_is_read_under_its_own_name(
    name: str, text: str, field: str, value: object
) -> None:
    beside = MYSQL | {"USE_SQLITE": "true"} if name.startswith("DB_") else {}
    assert getattr(read_environment(beside | {name: text}), field) == value


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("postgresql+psycopg2://postgres:123@localhost:5432/visionai_db", "postgresql"),
        ("postgres://postgres:123@localhost:5432/visionai_db", "postgresql"),
        ("mysql+pymysql://postgres:123@localhost:5432/visionai_db", "mysql"),
        ("mariadb://postgres:123@localhost:5432/visionai_db", "mysql"),
    ],
)
def test_a_database_url_of_any_dialect_is_understood(url: str, database: str) -> None:
    found = read_environment({"DATABASE_URL": url}).database
    assert found == f"{database}://postgres:123@localhost:5432/visionai_db"


def test_the_parts_of_a_mysql_address_are_joined_and_quoted() -> None:
    found = read_environment(MYSQL | {"USE_SQLITE": "false"})
    assert found.database == "mysql://me:p%40ss%2F@db:3306/ovaweb_dev"


def test_every_fault_is_named_at_once() -> None:
    found = faults(
        PORT="99999", DEBUG="perhaps", ALLOWED_HOSTS="*", WEB_PROCESSES="2", TLS_CERT="no.pem"
    )
    assert set(found) == {"PORT", "DEBUG", "ALLOWED_HOSTS", "WEB_PROCESSES", "TLS_CERT"}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"DATABASE_URL": "sqlite:///a", "USE_SQLITE": "false"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://a/b", "USE_SQLITE": "true"}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://me:other@db/ovaweb_dev", **MYSQL}, "DATABASE_URL"),
        ({"DATABASE_URL": "oracle://a/b"}, "DATABASE_URL"),
        ({"USE_SQLITE": "false", "DB_HOST": "db"}, "USE_SQLITE"),
        ({"DB_NAME": "ovaweb_dev"}, "USE_SQLITE"),
        ({"HOST": "0.0.0.0"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS"),
        ({"ALLOWED_ORIGINS": "https://a.b/path"}, "ALLOWED_ORIGINS"),
        ({"TLS_CERT": __file__}, "TLS_CERT"),
        ({"TLS_CERT": __file__, "TLS_KEY": __file__, "HTTPS": "0"}, "HTTPS"),
        ({"WEB_PROCESSES": "2", "DATABASE_URL": "postgresql://a/b"}, "WEB_PROCESSES"),
        ({"WEB_PROCESSES": "2", "REDIS_URL": "redis://a"}, "WEB_PROCESSES"),
        ({"REDIS_URL": "http://a"}, "REDIS_URL"),
        ({"MODEL_PATH": "/no/such.h5"}, "MODEL_PATH"),
        ({"EMAIL_URL": "pigeon://a"}, "EMAIL_URL"),
        ({"EXNOVA_LOGIN_URL": "http://auth.trade.exnova.com/"}, "EXNOVA_LOGIN_URL"),
        ({"IQOPTION_WS_URL": "https://iqoption.com/"}, "IQOPTION_WS_URL"),
        ({"PAPER_PRICES": "/no/such"}, "PAPER_PRICES"),
        ({"TRUSTED_PROXIES": "proxy"}, "TRUSTED_PROXIES"),
        ({"SECRETS_KEYS": "1234"}, "SECRETS_KEYS"),
        ({"SECRETS_KEYS": f"{'ab' * 32},{'AB' * 32}"}, "SECRETS_KEYS"),
        ({"OPENAI_BASE_URL": "ftp://a/v1"}, "OPENAI_BASE_URL"),
        ({"OPENAI_BASE_URL": "http://me:canary@a/v1"}, "OPENAI_BASE_URL"),
        ({"HF_BASE_URL": "a.b"}, "HF_BASE_URL"),
        ({"OPENAI_CHAT_MODEL": "small"}, "OPENAI_API_KEY"),
        ({"HF_SPEAK_MODEL": "small"}, "HF_API_KEY"),
        ({"HF_CHAT_MODEL": "a", "model": "b", "HF_API_KEY": "hf_1"}, "HF_CHAT_MODEL"),
        ({"ASSISTANT_ORDER": "openai,closedai"}, "ASSISTANT_ORDER"),
        ({"ASSISTANT_ORDER": "openai,openai"}, "ASSISTANT_ORDER"),
        ({"ASSISTANT_FILTERS_FILE": "/no/such.txt"}, "ASSISTANT_FILTERS_FILE"),
        ({"CHAT_DEADLINE_S": "0.5"}, "CHAT_DEADLINE_S"),
        ({"JWT_SECRET_KEY": "short"}, "JWT_SECRET_KEY"),
        ({"JWT_ALGORITHM": "none"}, "JWT_ALGORITHM"),
        ({"ACCESS_TOKEN_EXPIRE_MINUTES": "1441"}, "ACCESS_TOKEN_EXPIRE_MINUTES"),
    ],
)
def test_a_value_that_cannot_be_meant_is_a_fault(values: dict[str, str], name: str) -> None:
    assert set(faults(**values)) == {name}


@pytest.mark.parametrize(
    ("name", "value", "cure"),
    [
        ("PORT", "http", "write a number, in digits"),
        ("PORT", "0", "use 1 or more"),
        ("PORT", "70000", "use 65535 or less"),
        ("DEBUG", "perhaps", "write true or false"),
        ("LOG_LEVEL", "LOUD", "write one of: DEBUG, INFO, WARNING, ERROR, CRITICAL"),
        ("SECRET_KEY", "short", "use at least 32 characters; make one with: openssl rand -hex 32"),
        (
            "TRUSTED_PROXIES",
            "proxy",
            "write addresses or networks such as 10.0.0.0/8, comma-separated",
        ),
        ("MODEL_PATH", "/no/such.h5", "there is no file /no/such.h5; correct the path"),
    ],
)
def test_a_fault_names_its_cure(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, cure: str
) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert faults(**{name: value}) == {name: cure}
    monkeypatch.setenv("LC_ALL", "es_ES.UTF-8")
    assert faults(**{name: value})[name] != cure


def test_a_database_named_twice_alike_is_none() -> None:
    url = "mysql://me:p%40ss%2F@db:3306/ovaweb_dev"
    assert read_environment({"DATABASE_URL": url, **MYSQL}).database == url


def test_two_processes_are_served_by_servers() -> None:
    values = {"WEB_PROCESSES": "2", "DATABASE_URL": "postgresql://a/b", "REDIS_URL": "redis://a"}
    assert read_environment(values).web_processes == 2


def test_the_cure_for_another_host_is_the_command_for_this_machine() -> None:
    cure = faults(HOST="0.0.0.0")["ALLOWED_HOSTS"]
    assert re.search(r"make run HOST=0\.0\.0\.0 HTTPS=1 ALLOWED_HOSTS=\S+", cure)


@pytest.mark.parametrize("secret", sorted(one for one in PUBLISHED_SECRETS if len(one) >= 32))
def test_production_refuses_what_is_unsafe(secret: str) -> None:
    found = faults(
        ENVIRONMENT="production",
        DEBUG="true",
        JWT_SECRET_KEY=secret,
        ALLOWED_ORIGINS="http://a.b",
    )
    assert set(found) == {"DEBUG", "JWT_SECRET_KEY", "ALLOWED_ORIGINS", "DATABASE_URL"}


def test_production_takes_sqlite_after_an_explicit_yes() -> None:
    read_environment({"ENVIRONMENT": "production", "SQLITE_IN_PRODUCTION": "yes"})


def test_a_broker_on_this_machine_needs_no_encryption() -> None:
    found = read_environment({"EXNOVA_WS_URL": "ws://127.0.0.1:9/echo/websocket"})
    assert found.broker_hosts("exnova")["ws_url"] == "ws://127.0.0.1:9/echo/websocket"


def test_no_fault_repeats_a_secret() -> None:
    found = faults(JWT_SECRET_KEY="canary", DB_PASSWORD="canary", DATABASE_URL="x://a:canary@b/c")
    assert "canary" not in str(found)


def test_a_relative_path_starts_at_the_project(tmp_path: Path) -> None:
    assert read_environment({"DATA_DIR": "d"}, base=tmp_path).data_dir == tmp_path / "d"


def test_the_example_names_every_setting_and_no_other() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    named = [found[1] for line in lines if (found := re.match(r"#?(\w+)=", line))]
    assert sorted(named) == sorted(NAMES)


def test_the_example_as_it_stands_is_what_an_empty_one_means(tmp_path: Path) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    values = dict(line.split("=", 1) for line in example if re.match(r"\w+=", line))
    set_to = read_environment(values).model_dump()
    assert set_to == read_environment({}).model_dump()


def test_a_secret_is_made_once_for_this_account_alone(tmp_path: Path) -> None:
    path, made = tmp_path / "new" / "secret", []
    threads = [threading.Thread(target=lambda: made.append(kept_secret(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1
    assert re.fullmatch(r"[0-9a-f]{64}", made[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["secret"]


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("PORT=8111\nCORS_MAX_AGE=7\n", encoding="ascii")
    environment = environment_for(tmp_path / "data", PORT="8222")
    environment["ENV_FILE"] = str(tmp_path / "settings.env")
    code = "from visionai import settings as s; print(s.ENV.port, s.ENV.cors_max_age)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"8222", b"7"]
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
