"""What the short commands print, and what they keep to themselves."""

import gc
import json
import signal
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import __version__
from app.cli import cli
from app.commands.console import shown_url
from app.core.config import Settings, variable
from app.core.database.embedded_locks import alive

RANDOM = "q7Zt2vN9xKc4Lw8RbY1hGf6UjD3mSa0E"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def run_on_database(*arguments: str) -> Result:
    # PyMongo forgets a socket that was still connecting for its monitor when the client was closed.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        result = run(*arguments)
        gc.collect()
    return result


@pytest.mark.parametrize(
    "arguments", [[], ["serve"], ["config"], ["openapi"], ["version"], ["watch"], ["db"], ["db", "compact"]]
)
def test_every_command_explains_itself(arguments: list[str]) -> None:
    result = run(*arguments, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_version() -> None:
    assert run("version").stdout == f"pastis {__version__}\n"


def test_config_shows_every_setting_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("PASTIS_HOST=::1\nPASTIS_DEBUG=true\nPASTIS_LOG_FILE=\n")
    monkeypatch.setenv("PASTIS_PORT", "9001")
    monkeypatch.setenv("PASTIS_CORS_ORIGINS", "https://a.example,https://b.example")
    result = run("config")
    assert result.exit_code == 0
    rows = {line.split()[0]: line.split()[1:3] for line in result.stdout.splitlines()}
    assert set(rows) == {"Variable", *map(variable, Settings.model_fields)}
    assert rows["PASTIS_PORT"] == ["9001", "environment"]
    assert rows["PASTIS_HOST"] == ["::1", ".env"]
    assert rows["PASTIS_DEBUG"] == ["true", ".env"]
    assert rows["PASTIS_LOG_FILE"] == ["-", "default"]
    assert rows["PASTIS_CORS_ORIGINS"][0] == "https://a.example,https://b.example"
    for field in Settings.model_fields.values():
        assert str(field.description) in result.stdout


@pytest.mark.parametrize("arguments", [["config"], ["serve", "--host", "192.0.2.1"]])
def test_variables_that_are_no_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    Path(".env").write_text("PASTIS_HOSTS=::1\nPASTIS_EMPTY=\nOTHER=1\n")
    for name in ("PASTIS_PRT", "pastis_zzz", "PASTIS_FUZZ_EXAMPLES", "PASTIS_TOKEN", "PASTIS_PORT"):
        monkeypatch.setenv(name, "9001")
    assert run(*arguments).stderr.splitlines()[:3] == [
        "PASTIS_HOSTS is no setting of Pastis, and does nothing. Did you mean PASTIS_HOST?",
        "PASTIS_PRT is no setting of Pastis, and does nothing. Did you mean PASTIS_PORT?",
        "PASTIS_ZZZ is no setting of Pastis, and does nothing.",
    ]
    assert "EMPTY" not in run("config").stderr


def test_config_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASTIS_SECRET", RANDOM)
    monkeypatch.setenv(
        "PASTIS_DATABASE_URL", "mongodb://ann:hunter2@db:27017/x?tlsCertificateKeyFilePassword=p4ss"
    )
    result = run("config")
    assert "mongodb://***@db:27017/x" in result.stdout
    for hidden in (RANDOM, "ann", "hunter2", "p4ss"):
        assert hidden not in result.output


def test_config_fails_on_what_production_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASTIS_ENV", "production")
    result = run("config")
    assert result.exit_code == 1
    assert result.stderr.count("Refused in production: ") == 3


def test_wrong_settings_are_all_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASTIS_PORT", "eight")
    monkeypatch.setenv("PASTIS_DATABASE_URL", "postgres://ann:hunter2@db")
    result = run("config")
    assert result.exit_code == 1
    assert "PASTIS_PORT: " in result.stderr
    assert "PASTIS_DATABASE_URL: " in result.stderr
    assert "hunter2" not in result.output


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mongodb://127.0.0.1:27017/?replicaSet=pastis", "mongodb://127.0.0.1:27017/"),
        ("mongodb+srv://ann:p%40ss@db.example/x", "mongodb+srv://***@db.example/x"),
        ("mongodb://ann:p?@ss/word@a,b", "mongodb://***@a,b"),
    ],
)
def test_addresses_are_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.usefixtures("small_api")
def test_openapi_is_sorted_json_on_stdout_or_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    text = run("openapi").stdout
    document = json.loads(text)
    assert document["info"]["title"] == "Small"
    assert text == json.dumps(document, indent=2, sort_keys=True) + "\n"

    result = run("openapi", "--output", "new/openapi.json")
    assert (result.exit_code, result.stdout) == (0, "")
    assert Path("new/openapi.json").read_text() == text

    monkeypatch.setenv("PASTIS_ENV", "production")
    assert run("openapi").stdout == text

    Path("file").touch()
    result = run("openapi", "--output", "file/openapi.json")
    assert result.exit_code == 1
    assert "Cannot write" in result.stderr


def test_db_status_describes_the_embedded_database_and_leaves_nothing_running(tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    result = run_on_database("db", "status")
    assert result.exit_code == 0, result.output
    assert "primary, 1 member" in result.stdout
    assert "pastis: 0 collections, 0 documents" in result.stdout
    assert result.stderr.startswith("Database: ")
    assert not alive(tmp_path / ".pastis" / "database")
    assert signal.getsignal(signal.SIGTERM) is handler


def test_db_status_says_when_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASTIS_DATABASE_URL", "mongodb://ann:hunter2@127.0.0.1:1/")
    monkeypatch.setenv("PASTIS_DATABASE_TIMEOUT_SECONDS", "0.2")
    result = run_on_database("db", "status")
    assert result.exit_code == 1
    assert "No primary answers at mongodb://***@127.0.0.1:1/ within 0.2 s" in result.stderr
    assert "hunter2" not in result.output


def test_commands_on_data_refuse_an_embedded_database_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASTIS_ENV", "production")
    result = run_on_database("db", "status")
    assert result.exit_code == 1
    assert "PASTIS_DATABASE_URL is not set" in result.stderr


def test_an_embedded_database_that_cannot_start_is_explained(tmp_path: Path) -> None:
    (tmp_path / ".pastis").touch()
    result = run_on_database("db", "status")
    assert result.exit_code == 1
    assert "Cannot write the database folder" in result.stderr
