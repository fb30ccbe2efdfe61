"""Providers as operators write them: what is wrong is named by its place, and keeps Pastis from starting."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.core.config import Environment, Settings
from app.core.oidc_settings import is_secure

GOOD: dict[str, Any] = {
    "id": "fluid",
    "name": "Fluid",
    "issuer": "https://id.fluid.example",
    "client_id": "pastis",
    "client_secret": "s3cr3t-of-the-client",
}


def load(*providers: Any, **settings: Any) -> Settings:
    return Settings(oidc_providers=SecretStr(json.dumps(providers)), _env_file=None, **settings)


def refused(*providers: Any, **settings: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        load(*providers, **settings)
    text = str(caught.value)
    assert "s3cr3t" not in text
    return text


def test_none_are_needed() -> None:
    assert Settings(_env_file=None).identity_providers == []


def test_text_and_file_count_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "providers.json"
    file.write_text(json.dumps([{**GOOD, "id": "other", "issuer": "https://other.example"}]))
    monkeypatch.setenv("PASTIS_OIDC_PROVIDERS", json.dumps([GOOD]))
    monkeypatch.setenv("PASTIS_OIDC_FILE", str(file))
    settings = Settings(_env_file=None)
    assert [one.id for one in settings.identity_providers] == ["fluid", "other"]
    assert "s3cr3t" not in repr(settings) + repr(settings.identity_providers)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"id": "Fluid"}, "0/id"),
        ({"id": "../x"}, "0/id"),
        ({"issuer": "id.fluid.example"}, "0/issuer"),
        ({"issuer": "https://id.fluid.example?x=1"}, "0/issuer"),
        ({"issuer": "ftp://id.fluid.example"}, "0/issuer"),
        ({"client_id": ""}, "0/client_id"),
        ({"scopes": ["email"]}, "scopes must have openid"),
        ({"colour": "red"}, "0/colour"),
        ({"group_roles": [{"group": "a", "workspace": "b", "role": "owner"}]}, "0/group_roles/0/role"),
        ({"group_roles": [{"group": "a"}]}, "0/group_roles/0/workspace"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_by_its_place(change: dict[str, Any], place: str) -> None:
    assert place in refused({**GOOD, **change})


def test_two_of_a_kind() -> None:
    assert "two providers have the id fluid" in refused(GOOD, {**GOOD, "issuer": "https://b.example"})
    assert "two providers have the issuer" in refused(GOOD, {**GOOD, "id": "b"})


@pytest.mark.parametrize("text", ["", "{}", "nonsense", "[", '["x"]'])
def test_no_list_of_providers(text: str, tmp_path: Path) -> None:
    file = tmp_path / "providers.json"
    file.write_text(text)
    with pytest.raises(ValidationError, match="PASTIS_OIDC_FILE"):
        Settings(oidc_file=file, _env_file=None)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="PASTIS_OIDC_FILE cannot be read"):
        Settings(oidc_file=tmp_path / "nowhere.json", _env_file=None)


def test_production_refuses_what_others_can_read() -> None:
    settings = load({**GOOD, "issuer": "http://id.fluid.example"}, env=Environment.PRODUCTION)
    assert "PASTIS_OIDC has providers without HTTPS: fluid" in settings.problems()
    for issuer in ("https://id.fluid.example", "http://127.0.0.1:5000", "http://[::1]:5000"):
        settings = load({**GOOD, "issuer": issuer}, env=Environment.PRODUCTION)
        assert not any("OIDC" in problem for problem in settings.problems())


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("https://a.example", True),
        ("http://localhost:80", True),
        ("http://127.0.0.1", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://a.example", False),
        ("ftp://localhost", False),
        ("", False),
    ],
)
def test_what_nobody_on_the_way_can_read(address: str, secure: bool) -> None:
    assert is_secure(address) is secure
