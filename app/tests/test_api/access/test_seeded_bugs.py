"""The machine finds what it is there for: each guard that is taken out makes it fail."""

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from app.core.database.doorbell import Doorbell
from app.models.sessions import Session
from app.services.access import Access, engine, queries, rules, standing
from app.services.access.scope import Sight
from app.services.access.standing import Standing
from app.services.bootstrap import REACTIONS
from app.services.comments import rules as comment_rules
from app.services.grants import rules as grant_rules
from app.services.grants.handlers import drop_grants_of_member
from app.services.memberships import rules as membership_rules
from app.services.sessions import SessionEngine
from app.services.sessions import rules as session_rules
from app.services.teams.handlers import leave_teams
from app.tests.test_api.access.machine import machine_of, named
from app.tests.test_api.access.play import Tally
from app.tests.test_api.access.processes import Processes
from app.tests.test_api.access.questions import MismatchError
from app.tests.test_api.access.test_machine import STEPS, machine_settings, tell

pytestmark = pytest.mark.uncounted

Patch = pytest.MonkeyPatch
Bug = Callable[[Patch], None]
MOST_STEPS = 15_000
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def nothing(*_: Any, **__: Any) -> None:
    return None


async def nothing_async(*_: Any, **__: Any) -> None:
    return None


def _lists_show_all_projects(patch: Patch) -> None:
    patch.setattr(Standing, "readable", nothing)


def _writes_are_not_checked(patch: Patch) -> None:
    patch.setattr(Sight, "check", nothing)


def _logins_never_end(patch: Patch) -> None:
    real, real_of_many = queries.login, queries.logins

    async def login(database: Any, digest: str, now: datetime, ref: str | None) -> Any:
        return await real(database, digest, _LONG_AGO, ref)

    async def logins(database: Any, digests: Any, now: datetime) -> Any:
        return await real_of_many(database, digests, _LONG_AGO)

    patch.setattr(queries, "login", login)
    patch.setattr(queries, "logins", logins)


def _tokens_never_end(patch: Patch) -> None:
    real = queries.token

    async def token(database: Any, digest: str, now: datetime, ref: str | None) -> Any:
        return await real(database, digest, _LONG_AGO, ref)

    patch.setattr(queries, "token", token)


def _scopes_narrow_nothing(patch: Patch) -> None:
    patch.setattr(standing, "within", lambda scopes, held: held)


def _other_processes_hear_of_no_logins(patch: Patch) -> None:
    real = Doorbell._tell

    def tell(self: Doorbell, change: Any) -> None:
        if change["ns"]["coll"] != Session.__collection__:
            real(self, change)
        else:  # only the machine itself, which came last
            self._rings[Session.__collection__][-1].listener(change["documentKey"]["_id"])

    patch.setattr(Doorbell, "_tell", tell)


def _who_left_keeps_grants(patch: Patch) -> None:
    patch.setitem(REACTIONS, ("membership", "update"), (leave_teams,))


def _who_left_stays_in_teams(patch: Patch) -> None:
    patch.setitem(REACTIONS, ("membership", "update"), (drop_grants_of_member,))


def _who_left_gets_in(patch: Patch) -> None:
    real = Access._stand

    async def stand(self: Access, principal: Any, found: Any) -> Any:
        people = [{**one, "removed_at": None} for one in found.get("membership", ())]
        return await real(self, principal, {**found, "membership": people})

    patch.setattr(Access, "_stand", stand)


def _other_processes_hear_nothing(patch: Patch) -> None:
    real = Doorbell._tell

    def tell(self: Doorbell, change: Any) -> None:
        if change["ns"]["coll"] != "events":
            real(self, change)

    patch.setattr(Doorbell, "_tell", tell)


def _copied_tokens_are_good(patch: Patch) -> None:
    patch.setattr(session_rules, "in_grace", lambda rotated_at, now: True)


def _former_access_tokens_live_on(patch: Patch) -> None:
    patch.setattr(session_rules, "former_access_end", lambda now, ends: now + timedelta(days=1))


def _a_new_password_ends_nothing(patch: Patch) -> None:
    patch.setattr(SessionEngine, "end_others", nothing_async)


def _anybody_gives_anything(patch: Patch) -> None:
    patch.setattr(grant_rules, "check_giver", nothing)


def _anybody_gives_any_role(patch: Patch) -> None:
    patch.setattr(membership_rules, "check_manage", nothing)


def _anybody_edits_any_comment(patch: Patch) -> None:
    patch.setattr(comment_rules, "check_own", nothing)


def _guests_see_everybody(patch: Patch) -> None:
    patch.setattr(Access, "_people", nothing_async)


def _private_projects_are_open(patch: Patch) -> None:
    patch.setattr(rules, "Visibility", SimpleNamespace(PRIVATE="nothing"))


def _links_open_private_projects(patch: Patch) -> None:
    patch.setattr(engine, "is_shared", lambda links, projects, now: bool(links and projects))


_PEOPLE = ("create_membership", "update_membership", "delete_membership")
_GRANTS = ("create_grant", "update_grant", "delete_grant")
_PROJECTS = ("create_project", "update_project")
_TASKS = ("create_task", "update_task", "move_task")
_LOGINS = ("log_in", "refresh", "revoke", "log_out", "change_password")
_TOKENS = ("create_my_token", "create_service_account", "create_service_token", "log_in", "reauthenticate")
BUGS: Mapping[Bug, Sequence[str]] = {
    _lists_show_all_projects: _PROJECTS,
    _writes_are_not_checked: (*_GRANTS, *_TASKS),
    _private_projects_are_open: _PROJECTS,
    _guests_see_everybody: _PEOPLE,
    _who_left_keeps_grants: ("create_membership", "delete_membership", "create_grant"),
    _who_left_stays_in_teams: ("create_membership", "delete_membership", "create_team_member"),
    _who_left_gets_in: _PEOPLE,
    _other_processes_hear_nothing: (*_GRANTS, *_PEOPLE),
    _logins_never_end: _LOGINS,
    _other_processes_hear_of_no_logins: _LOGINS,
    _a_new_password_ends_nothing: _LOGINS,
    _copied_tokens_are_good: ("refresh", "log_in"),
    _former_access_tokens_live_on: ("refresh", "log_in"),
    _tokens_never_end: _TOKENS,
    _scopes_narrow_nothing: _TOKENS,
    _links_open_private_projects: ("create_link", "open_link", "update_project", "log_in"),
    _anybody_gives_anything: (*_GRANTS, "create_role", "update_role", "update_membership", "create_grant"),
    _anybody_gives_any_role: (*_PEOPLE, "create_service_account"),
    _anybody_edits_any_comment: (
        "create_comment",
        "update_comment",
        "delete_comment",
        "create_task",
        "create_grant",
    ),
}
"""Each with what has to happen for it to show: all else would only take time."""
QUICK = (
    _lists_show_all_projects,
    _guests_see_everybody,
    _a_new_password_ends_nothing,
    _anybody_gives_any_role,
)
"""Those that an ordinary run has the time for; `make machine-access` tries all."""


def _name(bug: Bug) -> str:
    return bug.__name__.strip("_")


@pytest.mark.parametrize("bug", BUGS if STEPS in os.environ else QUICK, ids=_name)
def test_the_machine_finds(
    bug: Bug, processes: Processes, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    bug(monkeypatch)
    tally = Tally()
    machine = machine_of(processes, tally, named(*BUGS[bug]))
    with pytest.raises((MismatchError, Flaky)):
        run_state_machine_as_test(machine, settings=machine_settings(MOST_STEPS, derandomize=True))
    tell(capsys, f"{_name(bug)}: found after {tally.steps} steps, {tally.first.splitlines()[-1]:.200}")
    assert tally.mismatches == 1
