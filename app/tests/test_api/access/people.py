"""Everything that changes what somebody has in a workspace: memberships, teams, custom roles, grants."""

from collections.abc import Callable
from typing import Any

from app.tests.test_api.access.oracle import Actor, CustomRole, Grant, Member, Team, Workspace
from app.tests.test_api.access.questions import FINE, Chooser, Question, Refusals, id_of, need
from app.tests.test_api.access.tables import EVERYTHING, with_reading

Writer = Callable[[Chooser, Workspace], Question | None]
_ROLES = (*("guest", "guest", "guest"), *("member", "member", "member"), "admin", "owner")
_TO_GIVE = ("grant:create", "grant:update", "link:create", "project:update", "team:create")
"""With these one gives something to others, which must not be more than one has."""
KEPT_BACK = frozenset(
    {
        *("invitation:create", "membership:create", "membership:update", "team:update"),
        *("role:create", "role:delete", "role:update"),
        *("token:create", "token:delete", "token:read"),
    }
)
"""What no custom role may hold."""


def _is_present(member: Member) -> bool:
    """Whether somebody can be given something; what a link's visitors may do is said by the link."""
    return not member.removed and not member.link


def _permissions(choose: Chooser) -> list[str]:
    every = sorted(EVERYTHING - KEPT_BACK)
    chosen = set(choose.chance.sample(every, choose.chance.randint(1, 7)))
    if choose.often(0.4):
        chosen.add(choose.chance.choice(_TO_GIVE))
    return sorted(chosen)


# --- memberships


def create_membership(choose: Chooser, w: Workspace) -> Question | None:
    """Let an account in, or in again."""
    oracle = choose.oracle
    account = choose.one(oracle.accounts.values())
    if account is None:
        return None
    role = choose.chance.choice(_ROLES)
    custom = choose.role(w) if role == "member" and choose.often(0.3) else None
    former = next(
        (one for one in oracle.members.values() if one.account == account.id and one.workspace == w.id), None
    )
    body: dict[str, Any] = {"email": account.email, "role": role}
    if custom is not None:
        body["custom_role_id"] = custom.id

    def judge(actor: Actor) -> Refusals:
        return choose.also(
            choose.judge(actor, "membership:create"),
            (not oracle.may_manage(actor, role), 403),
            (custom is not None and not actor.is_admin, 403),
            (custom is not None and custom.workspace != w.id, 404),
            (former is not None and not former.removed, 409),
        )

    def apply(actor: Actor, answer: Any) -> None:
        member = former or Member(answer["id"], w.id, account.id, role)
        need(answer["id"] == member.id, "who comes back gets another membership")
        member.role, member.custom, member.removed = role, id_of(custom), False
        oracle.members[member.id] = member

    # Whoever knows the address is told the name.
    names = ("account", account.id)
    return Question("create_membership", w, "/memberships", judge, "POST", body, apply=apply, names=names)


def update_membership(choose: Chooser, w: Workspace) -> Question | None:
    """Give another role, perhaps a custom one."""
    oracle, member = choose.oracle, choose.member(w)
    if member is None:
        return None
    role = choose.chance.choice(_ROLES)
    custom = choose.role(w) if role == "member" and choose.often(0.6) else None
    body: dict[str, Any] = {"role": role, "custom_role_id": id_of(custom)}

    def judge(actor: Actor) -> Refusals:
        new = custom is not None and (role, custom.id) != (member.role, member.custom)
        return choose.also(
            choose.judge(actor, "membership:update", seen=member.workspace == w.id and _is_present(member)),
            (not oracle.may_manage(actor, role, member.role), 403),
            (oracle.is_last_owner(member) and role != "owner", 409),
            (new and not actor.is_admin, 403),
            (new and custom is not None and custom.workspace != w.id, 404),
        )

    def apply(actor: Actor, answer: Any) -> None:
        member.role, member.custom = role, id_of(custom)
        need(answer["custom_role_id"] == member.custom, "another custom role was given")

    return Question("update_membership", w, f"/memberships/{member.id}", judge, "PATCH", body, apply=apply)


def delete_membership(choose: Chooser, w: Workspace) -> Question | None:
    """End one's own membership, or another's."""
    oracle, member = choose.oracle, choose.member(w)
    if member is None:
        return None

    def judge(actor: Actor) -> Refusals:
        needed = "membership:leave" if member.id == actor.member.id else "membership:delete"
        if "membership:leave" not in oracle.own(actor):
            return frozenset({403})
        return choose.also(
            choose.judge(actor, needed, seen=oracle.sees_member(actor, member) and _is_present(member)),
            (not oracle.may_manage(actor, member.role), 403),
            (oracle.is_last_owner(member), 409),
        )

    def apply(actor: Actor, answer: Any) -> None:
        oracle.leave(member)

    return Question("delete_membership", w, f"/memberships/{member.id}", judge, "DELETE", apply=apply)


def create_service_account(choose: Chooser, w: Workspace) -> Question:
    oracle, role = choose.oracle, choose.chance.choice(_ROLES)
    body: dict[str, Any] = {"type": "service", "display_name": "Nightly build", "role": role}

    def judge(actor: Actor) -> Refusals:
        found = choose.judge(actor, "membership:create")
        return choose.also(found, (not oracle.may_manage(actor, role), 403))

    def apply(actor: Actor, answer: Any) -> None:
        oracle.members[answer["id"]] = Member(answer["id"], w.id, None, role, service=True)

    return Question("create_service_account", w, "/memberships", judge, "POST", body, apply=apply)


# --- teams


def create_team(choose: Chooser, w: Workspace) -> Question:
    oracle = choose.oracle
    chosen = {one.id: one for one in (choose.person(w) for _ in range(3)) if one is not None}
    body = {"name": choose.canaries.new(), "member_ids": list(chosen)}

    def judge(actor: Actor) -> Refusals:
        strange = any(one.workspace != w.id or one.removed for one in chosen.values())
        return choose.also(choose.judge(actor, "team:create"), (strange, 404))

    def apply(actor: Actor, answer: Any) -> None:
        oracle.teams[answer["id"]] = Team(answer["id"], w.id, set(chosen))

    return Question("create_team", w, "/teams", judge, "POST", body, apply=apply)


def create_team_member(choose: Chooser, w: Workspace) -> Question | None:
    team, member = choose.team(w), choose.person(w)
    if team is None or member is None:
        return None

    def judge(actor: Actor) -> Refusals:
        strange = member.id not in team.members and (member.workspace != w.id or member.removed)
        found = choose.judge(actor, "team:update", seen=team.workspace == w.id)
        return choose.also(found, (strange, 404))

    def apply(actor: Actor, answer: Any) -> None:
        team.members.add(member.id)

    path = f"/teams/{team.id}/members/{member.id}"
    return Question("create_team_member", w, path, judge, "PUT", apply=apply)


def delete_team_member(choose: Chooser, w: Workspace) -> Question | None:
    team = choose.team(w)
    member = choose.one(sorted(team.members)) if team is not None else None
    if team is None or member is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "team:update", seen=team.workspace == w.id)

    def apply(actor: Actor, answer: Any) -> None:
        team.members.discard(member)

    path = f"/teams/{team.id}/members/{member}"
    return Question("delete_team_member", w, path, judge, "DELETE", apply=apply)


def delete_team(choose: Chooser, w: Workspace) -> Question | None:
    team = choose.team(w)
    if team is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "team:delete", seen=team.workspace == w.id)

    def apply(actor: Actor, answer: Any) -> None:
        choose.oracle.delete_team(team)

    return Question("delete_team", w, f"/teams/{team.id}", judge, "DELETE", apply=apply)


# --- custom roles


def create_role(choose: Chooser, w: Workspace) -> Question:
    permissions = _permissions(choose)
    if choose.often(0.05):
        permissions.append(choose.chance.choice(sorted(KEPT_BACK)))
    body: dict[str, Any] = {"name": choose.canaries.new(), "permissions": permissions}

    def judge(actor: Actor) -> Refusals:
        return choose.also(choose.judge(actor, "role:create"), (bool(KEPT_BACK & set(permissions)), 422))

    def apply(actor: Actor, answer: Any) -> None:
        role = CustomRole(answer["id"], w.id, with_reading(permissions))
        need(set(answer["permissions"]) == role.permissions, "a role permits something else")
        choose.oracle.roles[role.id] = role

    return Question("create_role", w, "/roles", judge, "POST", body, apply=apply)


def update_role(choose: Chooser, w: Workspace) -> Question | None:
    role = choose.role(w)
    if role is None:
        return None
    permissions = _permissions(choose)

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "role:update", seen=role.workspace == w.id)

    def apply(actor: Actor, answer: Any) -> None:
        role.permissions = with_reading(permissions)

    body: dict[str, Any] = {"permissions": permissions}
    return Question("update_role", w, f"/roles/{role.id}", judge, "PATCH", body, apply=apply)


def delete_role(choose: Chooser, w: Workspace) -> Question | None:
    role = choose.role(w)
    if role is None:
        return None

    def judge(actor: Actor) -> Refusals:
        found = choose.judge(actor, "role:delete", seen=role.workspace == w.id)
        return choose.also(found, (choose.oracle.is_used(role), 409))

    def apply(actor: Actor, answer: Any) -> None:
        del choose.oracle.roles[role.id]

    return Question("delete_role", w, f"/roles/{role.id}", judge, "DELETE", apply=apply)


# --- grants


def _gives_too_much(choose: Chooser, actor: Actor, project_id: str, role: str, custom: str | None) -> bool:
    """Whether somebody would give what they do not have there themselves."""
    oracle = choose.oracle
    return not oracle.given(role, custom) <= oracle.there(actor, oracle.projects[project_id])


def create_grant(choose: Chooser, w: Workspace) -> Question | None:
    oracle, project = choose.oracle, choose.project(w)
    member, team = choose.member(w), choose.team(w) if choose.often(0.4) else None
    if project is None or member is None:
        return None
    role = choose.chance.choice(["lead", "contributor", "commenter", "viewer"])
    custom = choose.role(w) if choose.often(0.25) else None
    body: dict[str, Any] = {"role": role}
    body |= {"membership_id": member.id} if team is None else {"team_id": team.id}
    if custom is not None:
        body["custom_role_id"] = custom.id
    holder = member.id if team is None else team.id

    def judge(actor: Actor) -> Refusals:
        if team is None:
            known = oracle.sees_member(actor, member) and _is_present(member)
        else:
            known = team.workspace == w.id and "team:read" in oracle.own(actor)
        found = choose.judge(
            actor, "grant:create", seen=oracle.has(actor, "project:read", project), project=project
        )
        held = (one for one in oracle.grants.values() if one.project == project.id)
        return choose.also(
            found,
            (not known, 404),
            (any(holder in (one.member, one.team) for one in held), 409),
            (custom is not None and custom.workspace != w.id, 404),
            (_gives_too_much(choose, actor, project.id, role, id_of(custom)), 403),
        )

    def apply(actor: Actor, answer: Any) -> None:
        grant = Grant(answer["id"], project.id, body.get("membership_id"), id_of(team), role)
        grant.custom = id_of(custom)
        oracle.grants[grant.id] = grant

    path = f"/projects/{choose.ref(project, w)}/grants"
    return Question("create_grant", w, path, judge, "POST", body, apply=apply)


def _judge_grant(choose: Chooser, actor: Actor, grant: Grant, permission: str) -> Refusals:
    oracle = choose.oracle
    project = oracle.projects[grant.project]
    seen = all(oracle.has(actor, one, project) for one in ("project:read", "grant:read"))
    found = choose.judge(actor, permission, seen=seen, project=project)
    return choose.also(found, (_gives_too_much(choose, actor, project.id, grant.role, grant.custom), 403))


def update_grant(choose: Chooser, w: Workspace) -> Question | None:
    grant = choose.grant(w)
    if grant is None:
        return None
    role = choose.chance.choice(["lead", "contributor", "commenter", "viewer"])
    custom = choose.role(w) if choose.often(0.25) else None
    body: dict[str, Any] = {"role": role, "custom_role_id": id_of(custom)}

    def judge(actor: Actor) -> Refusals:
        found = _judge_grant(choose, actor, grant, "grant:update")
        same = (role, id_of(custom)) == (grant.role, grant.custom)
        if same and 404 not in found and choose.oracle.may_ask(actor, "grant:update"):
            # What changes nothing needs no permission there, but to have all that the grant gives.
            much = _gives_too_much(choose, actor, grant.project, grant.role, grant.custom)
            return frozenset({403}) if much else FINE
        return choose.also(
            found,
            (custom is not None and custom.workspace != w.id, 404),
            (_gives_too_much(choose, actor, grant.project, role, id_of(custom)), 403),
        )

    def apply(actor: Actor, answer: Any) -> None:
        grant.role, grant.custom = role, id_of(custom)

    path = f"/projects/{grant.project}/grants/{grant.id}"
    return Question("update_grant", w, path, judge, "PATCH", body, apply=apply)


def delete_grant(choose: Chooser, w: Workspace) -> Question | None:
    grant = choose.grant(w)
    if grant is None:
        return None

    def apply(actor: Actor, answer: Any) -> None:
        del choose.oracle.grants[grant.id]

    path = f"/projects/{grant.project}/grants/{grant.id}"
    return Question(
        "delete_grant",
        w,
        path,
        lambda actor: _judge_grant(choose, actor, grant, "grant:delete"),
        "DELETE",
        apply=apply,
    )
