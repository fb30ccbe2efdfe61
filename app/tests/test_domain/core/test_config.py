"""Settings: where they come from, what production refuses, and the secret that development makes."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from app.core.config import Environment, Settings, UnsafeSettings, resolve_secret, variable
from app.main import create_app

ROOT = Path(__file__).parents[4]
RANDOM = "q7Zt2vN9xKc4Lw8RbY1hGf6UjD3mSa0E"


def load(env_file: Path | None = None, **values: Any) -> Settings:
    return Settings(_env_file=env_file, **values)


def safe(**changes: Any) -> Settings:
    values = {"env": "production", "database_url": "mongodb://db", "secret": RANDOM, "cookie_secure": True}
    return load(**{**values, **changes})


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)


def test_nothing_is_needed_in_development() -> None:
    settings = load()
    assert settings.env is Environment.DEVELOPMENT
    assert not settings.production
    assert settings.problems() == []


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PASTIS_PORT=9000\nPASTIS_HOST=0.0.0.0\nPASTIS_SECRET=\nOTHER=1\n")
    monkeypatch.setenv("PASTIS_PORT", "9001")
    settings = load(file)
    assert (settings.port, settings.host, settings.secret) == (9001, "0.0.0.0", None)


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("https://a.example", ["https://a.example"]),
        (" https://a.example/ , http://b.example:3000,", ["https://a.example", "http://b.example:3000"]),
        ("*", ["*"]),
        (",", []),
    ],
)
def test_origins_are_text_with_commas(monkeypatch: pytest.MonkeyPatch, text: str, origins: list[str]) -> None:
    monkeypatch.setenv("PASTIS_CORS_ORIGINS", text)
    assert load().cors_origins == origins


def test_levels_are_read_in_any_case() -> None:
    assert load(log_level="warning").log_level == "WARNING"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "0"),
        ("port", "http"),
        ("env", "staging"),
        ("log_level", "LOUD"),
        ("database_url", "postgres://user:hunter2@db"),
        ("session_hours", "0"),
        ("embedded_cache_gb", "0.1"),
        ("backup_key", "hunter2"),
        ("metrics_token", "hunter2"),
    ],
)
def test_wrong_values_are_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(variable(name), value)
    with pytest.raises((ValidationError, SettingsError)) as refused:
        load()
    assert name in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_secrets_do_not_show() -> None:
    settings = safe(database_url="mongodb://user:hunter2@db")
    assert "hunter2" not in repr(settings)
    assert RANDOM not in repr(settings)


def test_safe_production_settings_have_no_problem() -> None:
    assert safe(cors_origins=["https://tasks.example"]).problems() == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"database_url": None}, "PASTIS_DATABASE_URL is not set"),
        ({"secret": None}, "PASTIS_SECRET is not set"),
        ({"secret": RANDOM[:31]}, "PASTIS_SECRET has 31 characters"),
        ({"secret": "change-me-" + RANDOM}, "PASTIS_SECRET looks like an example"),
        ({"secret": "ab" * 20}, "PASTIS_SECRET looks like an example"),
        ({"cors_origins": ["https://a.example", "*"]}, "PASTIS_CORS_ORIGINS has a *"),
        ({"cors_origins": ["https://*.example"]}, "PASTIS_CORS_ORIGINS has a *"),
        ({"cookie_secure": False}, "PASTIS_COOKIE_SECURE is false"),
        ({"debug": True}, "PASTIS_DEBUG is true"),
    ],
)
def test_production_names_what_is_unsafe(changes: dict[str, Any], problem: str) -> None:
    problems = safe(**changes).problems()
    assert len(problems) == 1
    assert problems[0].startswith(problem)
    assert load(**{**changes, "env": "test"}).problems() == []


def test_production_names_all_that_is_unsafe_at_once() -> None:
    assert len(load(env="production", cors_origins=["*"], debug=True).problems()) == 5


@pytest.mark.parametrize("unsafe", [{"debug": True}, {"secret": None, "cors_origins": ["*"]}])
def test_the_application_refuses_what_is_unsafe_whoever_serves_it(unsafe: dict[str, Any]) -> None:
    create_app(safe())
    settings = safe(**unsafe)
    with pytest.raises(UnsafeSettings) as refused:
        create_app(settings)
    assert str(refused.value).splitlines()[1:] == settings.problems()


def test_the_application_debugs_where_it_is_told_to() -> None:
    assert create_app(load(debug=True)).debug
    assert not create_app(load()).debug


def test_the_generated_secret_is_kept_and_private(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path / "new" / "folder")
    secret = resolve_secret(settings)
    assert len(secret) >= 32
    assert resolve_secret(settings) == secret
    path = settings.data_dir / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in settings.data_dir.iterdir()] == ["secret"]


def test_processes_that_start_at_once_agree_on_the_secret(tmp_path: Path) -> None:
    settings = load(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: resolve_secret(settings), range(32)))) == 1


def test_a_given_secret_is_taken_as_it_is(tmp_path: Path) -> None:
    assert resolve_secret(load(secret=RANDOM, data_dir=tmp_path)) == RANDOM.encode()
    assert list(tmp_path.iterdir()) == []


def test_production_never_makes_a_secret(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PASTIS_SECRET"):
        resolve_secret(load(env="production", data_dir=tmp_path))


@pytest.mark.parametrize("name", ["development", "production"])
def test_the_examples_name_every_setting_and_no_other(name: str) -> None:
    text = (ROOT / f".env.{name}.example").read_text()
    named = re.findall(r"^(PASTIS_\w+)=", text, re.MULTILINE)
    assert sorted(named) == sorted(map(variable, Settings.model_fields))


def test_the_development_example_gives_the_defaults() -> None:
    settings = load(ROOT / ".env.development.example")
    assert settings.model_copy(update={"cors_origins": []}) == load()


def test_the_production_example_lacks_only_the_secret() -> None:
    example = load(ROOT / ".env.production.example")
    assert [problem.split(":")[0] for problem in example.problems()] == ["PASTIS_SECRET is not set"]
    assert load(ROOT / ".env.production.example", secret=RANDOM).problems() == []
