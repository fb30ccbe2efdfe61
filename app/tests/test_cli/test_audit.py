"""`pastis audit`, against the real database."""

import json
from typing import Any

import pytest

from app.core.database.engine import Database
from app.models.audit import AuditEntry
from app.tests.support.cli import run
from app.tests.test_cli.test_data_commands import change, database_name

__all__ = ["database_name"]  # its fixture is used here too
EMAIL = "justin@fluid.example"


@pytest.fixture
def accounts() -> None:
    for email in (EMAIL, "colin@fluid.example"):
        assert run("user", "add", email, "--name", "Somebody").exit_code == 0
    assert run("user", "deactivate", EMAIL).exit_code == 0
    assert run("user", "activate", EMAIL).exit_code == 0
    assert run("user", "password", "colin@fluid.example").exit_code == 0


def lines(*arguments: str) -> list[str]:
    result = run("audit", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


@pytest.mark.usefixtures("accounts")
def test_what_operators_did_is_listed_and_exported() -> None:
    kinds = ["account.create", "account.create", "account.deactivate", "account.activate", "password.reset"]
    assert sorted(line.split()[1] for line in lines("list")) == sorted(kinds)
    exported = [json.loads(line) for line in lines("export")]
    assert sorted(entry["kind"] for entry in exported) == sorted(kinds)
    assert all(entry["actor"]["kind"] == "system" and entry["hash"] for entry in exported)
    own = ["account.create", "account.deactivate", "account.activate"]
    assert [line.split()[1] for line in lines("list", "--account", EMAIL)] == own
    assert len(lines("list", "--kind", "password.reset")) == 1
    assert lines("list", "--since", "2999-01-01") == []
    assert len(lines("list", "--until", "2999-01-01")) == 5


@pytest.mark.usefixtures("accounts")
def test_verify_names_what_was_changed(database_name: str) -> None:
    assert lines("verify")[-1] == "2 chains checked: all good."

    async def tamper(database: Database) -> Any:
        await database.collection(AuditEntry).update_one({"n": 2}, {"$set": {"address": "192.0.2.1"}})

    change(database_name, tamper)
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert "entry 2: changed" in result.stdout
    assert "2 chains checked: 1 flaws." in result.stderr


def test_an_account_that_is_not_there() -> None:
    result = run("audit", "list", "--account", "nobody@fluid.example")
    assert result.exit_code == 1
    assert "No account has the address" in result.stderr
