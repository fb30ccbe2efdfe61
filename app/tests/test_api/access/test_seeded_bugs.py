"""The machine finds what it is there for: each guard that is taken out makes it fail."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from app.core.database.doorbell import Doorbell
from app.services.access import Access, engine, queries, rules
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
from app.tests.test_api.access.machine import AccessMachine
from app.tests.test_api.access.play import Tally
from app.tests.test_api.access.processes import Processes
from app.tests.test_api.access.questions import MismatchError
from app.tests.test_api.access.test_machine import machine_settings, tell

Patch = pytest.MonkeyPatch
MOST_STEPS = 1500
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
    real = queries.principal

    async def principal(database: Any, access_hash: str, now: datetime, ref: str | None) -> Any:
        return await real(database, access_hash, _LONG_AGO, ref)

    patch.setattr(queries, "principal", principal)


def _an_ended_login_stays_in_the_cache(patch: Patch) -> None:
    patch.setattr(Access, "forget_session", nothing)


def _who_left_keeps_grants(patch: Patch) -> None:
    patch.setitem(REACTIONS, ("membership", "update"), (leave_teams,))  # type: ignore[arg-type]


def _who_left_stays_in_teams(patch: Patch) -> None:
    patch.setitem(REACTIONS, ("membership", "update"), (drop_grants_of_member,))  # type: ignore[arg-type]


def _who_left_gets_in(patch: Patch) -> None:
    real = Access._stand

    async def stand(self: Access, principal: Any, found: Any) -> Any:
        people = [{**one, "removed_at": None} for one in found.get("membership", ())]
        return await real(self, principal, {**found, "membership": people})

    patch.setattr(Access, "_stand", stand)


def _teams_are_not_watched(patch: Patch) -> None:
    patch.setattr(engine, "WATCHED", engine.WATCHED - {"team"})


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


BUGS: tuple[Callable[[Patch], None], ...] = (
    *(_lists_show_all_projects, _writes_are_not_checked, _private_projects_are_open, _guests_see_everybody),
    *(_who_left_keeps_grants, _who_left_stays_in_teams, _who_left_gets_in),
    *(_teams_are_not_watched, _other_processes_hear_nothing),
    *(_logins_never_end, _an_ended_login_stays_in_the_cache, _a_new_password_ends_nothing),
    *(_copied_tokens_are_good, _former_access_tokens_live_on),
    *(_anybody_gives_anything, _anybody_gives_any_role, _anybody_edits_any_comment),
)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__.strip("_"))
def test_the_machine_finds(
    bug: Callable[[Patch], None],
    processes: Processes,
    monkeypatch: Patch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bug(monkeypatch)
    tally = Tally()
    machine = type("Machine", (AccessMachine,), {"processes": processes, "tally": tally})
    # What Hypothesis tries again may go another way, as another process hears later.
    with pytest.raises((MismatchError, Flaky)):
        run_state_machine_as_test(machine, settings=machine_settings(MOST_STEPS, derandomize=True))
    tell(
        capsys,
        f"{bug.__name__.strip('_')}: found after {tally.found} steps, {tally.first.splitlines()[-1]:.200}",
    )
    assert tally.mismatches
