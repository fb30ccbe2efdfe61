"""The run that deletes guards: it finds them by their form, and names those that no test holds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mutation.equivalents import EQUIVALENT
from mutation.guards import guards, guards_in

ROOT = Path(__file__).parents[3]
RULES = """
def check_password(password):
    if len(password) < 15 or is_common(password):
        raise invalid("/password", "too_short")
    check_account(password)
    return password

class Queries:
    async def find(self, database):
        await self._access.forget_user("somebody")
        return await database.find({"user_id": self.id, "expires_at": {"$gt": 1}}, {"user_id": 1})

    def sees(self, doc):
        return doc["id"] in self.ids
"""


def test_guards_are_found_by_their_form() -> None:
    found = {(one.function, one.kind, one.text) for one in guards_in(RULES, "app/services/users/queries.py")}
    assert found == {
        ("check_password", "operand", "len(password) < 15"),
        ("check_password", "operand", "is_common(password)"),
        ("check_password", "raise", "raise invalid('/password', 'too_short')"),
        ("check_password", "call", "check_account(password)"),
        ("Queries.find", "call", "await self._access.forget_user('somebody')"),
        ("Queries.find", "query", "user_id: self.id"),
        ("Queries.find", "query", "expires_at: {'$gt': 1}"),
        ("Queries.sees", "answer", "doc['id'] in self.ids"),
    }


def test_declarations_of_routes_are_guards() -> None:
    source = "READ = [Depends(Requires(Permission.TASK_READ))]\nOWN = Depends(RequiresAccount(recent=True))"
    kinds = {(one.kind, one.text) for one in guards_in(source, "app/api/v1/endpoints/tasks.py")}
    assert kinds == {
        ("route", "Requires(Permission.TASK_READ)"),
        ("route", "RequiresAccount(recent=True)"),
    }


def test_every_guard_has_a_name_of_its_own() -> None:
    keys = [one.key for one in guards()]
    assert len(keys) == len(set(keys)) > 300


def test_what_is_equivalent_is_there_and_says_why() -> None:
    assert EQUIVALENT.keys() <= {one.key for one in guards()}
    assert all(len(reason) > 20 for reason in EQUIVALENT.values())


@pytest.mark.timeout(240)
def test_what_tests_hold_is_killed_and_what_they_do_not_is_named(tmp_path: Path) -> None:
    """Of these guards the tests try the lengths of passwords, and no login."""
    options = ["--processes", "1", "--only", r"users/rules.py.*TOO_|sessions/engine.py.*not_found"]
    command = [sys.executable, "-m", "mutation.run", *options, "--tests", "app/tests/test_domain/users"]
    environment = os.environ | {"MUTATION_CACHE": str(tmp_path)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    lines = run.stdout.splitlines()
    assert [line for line in lines if line.startswith("survives:")] == [
        next(line for line in lines if "app/services/sessions/engine.py" in line)
    ]
    assert "2 of 3 guards killed" in lines[-1]
