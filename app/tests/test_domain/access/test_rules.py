"""What gives what: the built-in roles, custom ones, visibility and grants, and that they only add."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.documents import Doc
from app.models.grants import Grant, ProjectRole
from app.models.labels import Label
from app.models.memberships import Membership, Role
from app.models.permissions import OF_PROJECTS, Permission
from app.models.projects import Visibility
from app.models.tasks import Task
from app.services.access import Principal, PrincipalKind
from app.services.access.rules import (
    IN_PROJECT,
    OF_WORKSPACE,
    RECENT,
    Holder,
    closed,
    is_recent,
    is_shared,
    project_sources,
    united,
    workspace_source,
)
from app.services.access.standing import People, Standing, standing_of
from app.services.grants.rules import given as given_by

LADDER = (Role.GUEST, Role.MEMBER, Role.ADMIN, Role.OWNER)
PROJECT_LADDER = (ProjectRole.VIEWER, ProjectRole.COMMENTER, ProjectRole.CONTRIBUTOR, ProjectRole.LEAD)
ME, TEAM, CUSTOM = "me", "team", "custom"
NOW = datetime(2026, 7, 1, tzinfo=UTC)
permissions = st.frozensets(st.sampled_from(sorted(Permission)), max_size=8)


def test_each_role_may_what_the_lower_ones_may() -> None:
    for lower, higher in itertools.pairwise(LADDER):
        assert OF_WORKSPACE[lower] <= OF_WORKSPACE[higher]
    for low, high in itertools.pairwise(PROJECT_LADDER):
        assert IN_PROJECT[low] < IN_PROJECT[high]
    assert OF_WORKSPACE[Role.OWNER] == frozenset(Permission) - OF_PROJECTS
    assert IN_PROJECT[ProjectRole.LEAD] == OF_PROJECTS
    assert Permission.MEMBERSHIP_UPDATE not in OF_WORKSPACE[Role.MEMBER]


def test_permissions_are_in_order_and_named_by_what_they_say() -> None:
    names = [one.name for one in Permission]
    assert names == sorted(names)
    assert all(one.value == one.name.lower().replace("_", ":", 1) for one in Permission)


@pytest.mark.parametrize(
    ("links", "projects", "opens"),
    [
        ([{"expires_at": None}], [{"visibility": "link"}], True),
        ([{"expires_at": None}], [{"visibility": "workspace"}], False),
        ([{"expires_at": NOW}], [{"visibility": "link"}], False),
        ([{"expires_at": NOW + timedelta(seconds=1)}], [{"visibility": "link"}], True),
        ([], [{"visibility": "link"}], False),
        ([{"expires_at": None}], [], False),
        ([], [], False),
    ],
)
def test_a_link_opens_its_project(links: list[Doc], projects: list[Doc], opens: bool) -> None:
    """As far as both were found."""
    assert is_shared(links, projects, NOW) is opens


def test_everything_can_be_read_by_a_permission_of_its_own() -> None:
    assert all(f"{one.resource}:read" in set(Permission) for one in Permission)


@given(wanted=permissions, more=permissions)
def test_a_custom_role_is_closed(wanted: frozenset[Permission], more: frozenset[Permission]) -> None:
    """It has what it names and what that needs, closing again adds nothing, and more never gives less."""
    role = closed(wanted)
    assert wanted <= role
    assert closed(role) == role
    assert role <= closed(wanted | more)
    assert all(f"{one.resource}:read" in role for one in role)
    if role & OF_PROJECTS:
        assert {Permission.PROJECT_READ, Permission.STATUS_READ} <= role
    assert {one for one in role - wanted if not one.reads} == set()


def project(visibility: Visibility, lead: str | None = None) -> dict[str, Any]:
    return {"_id": "p", "key": "FLUID", "visibility": visibility.value, "lead_id": lead}


def grant(role: ProjectRole, custom: str | None = None, project_id: str = "p") -> dict[str, Any]:
    return {
        "_id": "g",
        "project_id": project_id,
        "team_id": TEAM,
        "role": role.value,
        "custom_role_id": custom,
    }


grants = st.lists(
    st.builds(
        grant, st.sampled_from(ProjectRole), st.sampled_from([None, CUSTOM]), st.sampled_from(["p", "q"])
    ),
    max_size=4,
)


@given(
    role=st.sampled_from(Role),
    custom=st.booleans(),
    own=permissions,
    visibility=st.sampled_from(Visibility),
    lead=st.sampled_from([None, ME, "other"]),
    held=grants,
)
def test_what_one_may_in_a_project(
    role: Role,
    custom: bool,
    own: frozenset[Permission],
    visibility: Visibility,
    lead: str | None,
    held: list[dict[str, Any]],
) -> None:
    """Written down once more, the other way round: for each permission, whether anything gives it."""
    custom = custom and role is Role.MEMBER
    roles = {CUSTOM: closed(own)}
    holder = Holder(ME, role, CUSTOM if custom else None)
    found = united(project_sources(holder, roles, project(visibility, lead), held))
    for permission in Permission:
        of_grants = any(
            permission in (roles[CUSTOM] if one["custom_role_id"] else IN_PROJECT[ProjectRole(one["role"])])
            for one in held
            if one["project_id"] == "p"
        )
        as_member = role is Role.MEMBER and visibility is not Visibility.PRIVATE
        of_visibility = as_member and permission in (
            roles[CUSTOM] if custom else IN_PROJECT[ProjectRole.CONTRIBUTOR]
        )
        everything = role in (Role.ADMIN, Role.OWNER) or lead == ME
        expected = permission in OF_PROJECTS and (everything or of_visibility or of_grants)
        assert (permission in found) is expected, permission


@given(own=permissions, role=st.sampled_from(ProjectRole))
def test_what_is_given_is_what_is_then_had(own: frozenset[Permission], role: ProjectRole) -> None:
    """The check of who may give and the weighing of what one has cannot differ."""
    roles = {CUSTOM: closed(own)}
    holder = Holder(ME, Role.GUEST)
    hidden = project(Visibility.PRIVATE)
    assert given_by(role, None) == united(project_sources(holder, roles, hidden, [grant(role)]))
    custom = united(project_sources(holder, roles, hidden, [grant(role, CUSTOM)]))
    assert given_by(role, sorted(own)) == custom


def test_a_custom_role_that_is_gone_gives_what_everybody_has() -> None:
    gone = Holder(ME, Role.MEMBER, "gone")
    assert workspace_source(gone, {}).permissions == OF_WORKSPACE[Role.GUEST]
    assert united(project_sources(gone, {}, project(Visibility.WORKSPACE), [])) == frozenset()


def standing(role: Role, *held: dict[str, Any], people: People | None = None) -> Standing:
    hidden = project(Visibility.PRIVATE)
    principal = Principal(PrincipalKind.USER, "s", "u")
    return standing_of(principal, "w", Holder(ME, role), {}, [hidden], held, people)


def test_what_is_not_known_is_nobodys_but_the_admins() -> None:
    for role in (Role.GUEST, Role.MEMBER):
        one = standing(role, grant(ProjectRole.LEAD))
        assert one.in_project("p") == OF_PROJECTS
        assert (one.in_project("new"), one.knows("new")) == (frozenset(), False)
    admin = standing(Role.ADMIN)
    assert (admin.in_project("new"), admin.knows("new")) == (OF_PROJECTS, True)


def test_reads_are_narrowed_to_what_one_may_read() -> None:
    assert standing(Role.OWNER).readable("task") is None
    assert standing(Role.MEMBER).readable("task") == []
    assert standing(Role.MEMBER, grant(ProjectRole.VIEWER)).readable("task") is None
    assert standing(Role.GUEST, grant(ProjectRole.VIEWER)).readable("task") == ["p"]


def test_a_guest_sees_who_is_in_the_projects() -> None:
    people = People(frozenset({ME, "lead"}), open=False)
    guest = standing(Role.GUEST, people=people)
    assert guest.sees(Membership, {"_id": "lead"}, None)
    assert not guest.sees(Membership, {"_id": "other", "role": "member"}, None)
    opened = standing(Role.GUEST, people=People(people.ids, open=True))
    assert opened.sees(Membership, {"_id": "other", "role": "member"}, None)
    assert not opened.sees(Membership, {"_id": "other", "role": "guest"}, None)
    assert guest.sees(Label, {"_id": "label"}, None)
    assert not guest.sees(Task, {"_id": "task"}, "p")
    assert standing(Role.GUEST, grant(ProjectRole.VIEWER)).sees(Grant, {"_id": "g"}, "p")


@pytest.mark.parametrize(("age", "recent"), [(0, True), (600, True), (601, False)])
def test_a_proof_is_recent_for_ten_minutes(age: int, recent: bool) -> None:
    now = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    assert timedelta(minutes=10) == RECENT
    assert is_recent(now - timedelta(seconds=age), now) is recent
    assert not is_recent(None, now)
