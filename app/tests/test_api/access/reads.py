"""Everything that there is to read in a workspace, each as a question."""

from collections.abc import Callable
from typing import Any

from app.tests.test_api.access.oracle import Actor, Workspace
from app.tests.test_api.access.questions import FINE, Chooser, Question, Refusals, need
from app.tests.test_api.access.tables import OF_PROJECT, OF_WORKSPACE

Reader = Callable[[Chooser, Workspace], Question | None]


def fine(_: Actor) -> Refusals:
    return FINE


def get_workspace(choose: Chooser, w: Workspace) -> Question:
    return Question("get_workspace", w, "", fine)


def list_projects(choose: Chooser, w: Workspace) -> Question:
    def ids(actor: Actor) -> list[str]:
        return [one.id for one in choose.oracle.seen_projects(actor)]

    return Question("list_projects", w, "/projects", fine, ids=ids)


def get_project(choose: Chooser, w: Workspace) -> Question | None:
    project = choose.project(w)
    if project is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "project:read", seen=choose.oracle.has(actor, "project:read", project))

    tail = choose.chance.choice(["", "", "/statuses"])
    return Question(f"get_project{tail}", w, f"/projects/{choose.ref(project, w)}{tail}", judge)


def list_tasks(choose: Chooser, w: Workspace) -> Question:
    oracle = choose.oracle
    project = choose.project(w) if choose.often(0.5) else None
    trashed = choose.often(0.3)
    params = {"state": "trashed"} if trashed else {}
    if project is not None:
        params["project"] = choose.ref(project, w)

    def judge(actor: Actor) -> Refusals:
        return choose.judge(
            actor, "task:read", seen=project is None or oracle.has(actor, "project:read", project)
        )

    def ids(actor: Actor) -> list[str]:
        return [
            one.id
            for one in oracle.tasks.values()
            if oracle.sees_task(actor, one)
            and one.trashed is trashed
            and (project is None or one.project == project.id)
        ]

    return Question("list_tasks", w, "/tasks", judge, params=params, ids=ids)


def get_task(choose: Chooser, w: Workspace) -> Question | None:
    task = choose.task(w)
    if task is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "task:read", seen=choose.oracle.sees_task(actor, task))

    return Question("get_task", w, f"/tasks/{choose.ref(task, w)}", judge)


def list_task_activity(choose: Chooser, w: Workspace) -> Question | None:
    task = choose.task(w)
    if task is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "event:read", seen=choose.oracle.sees_task(actor, task))

    return Question("list_task_activity", w, f"/tasks/{task.id}/activity", judge, history=True)


def list_events(choose: Chooser, w: Workspace) -> Question:
    return Question(
        "list_events", w, "/events", lambda actor: choose.judge(actor, "event:read"), history=True
    )


def list_comments(choose: Chooser, w: Workspace) -> Question | None:
    task, oracle = choose.task(w), choose.oracle
    if task is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "comment:read", seen=oracle.sees_task(actor, task))

    def ids(actor: Actor) -> list[str]:
        found = (one for one in oracle.comments.values() if one.task == task.id)
        return [one.id for one in found if oracle.sees_comment(actor, one)]

    return Question("list_comments", w, f"/tasks/{choose.ref(task, w)}/comments", judge, ids=ids)


def get_comment(choose: Chooser, w: Workspace) -> Question | None:
    comment = choose.comment(w)
    if comment is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "comment:read", seen=choose.oracle.sees_comment(actor, comment))

    return Question("get_comment", w, f"/tasks/{comment.task}/comments/{comment.id}", judge)


def list_grants(choose: Chooser, w: Workspace) -> Question | None:
    project, oracle = choose.project(w), choose.oracle
    if project is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "grant:read", seen=oracle.has(actor, "project:read", project))

    def ids(actor: Actor) -> list[str]:
        if not oracle.has(actor, "grant:read", project):
            return []
        return [one.id for one in oracle.grants.values() if one.project == project.id]

    return Question("list_grants", w, f"/projects/{choose.ref(project, w)}/grants", judge, ids=ids)


def get_grant(choose: Chooser, w: Workspace) -> Question | None:
    grant, oracle = choose.grant(w), choose.oracle
    if grant is None:
        return None

    def judge(actor: Actor) -> Refusals:
        project = oracle.projects[grant.project]
        seen = all(oracle.has(actor, one, project) for one in ("grant:read", "project:read"))
        return choose.judge(actor, "grant:read", seen=seen)

    return Question("get_grant", w, f"/projects/{grant.project}/grants/{grant.id}", judge)


def list_links(choose: Chooser, w: Workspace) -> Question | None:
    project, oracle = choose.project(w), choose.oracle
    if project is None:
        return None

    def judge(actor: Actor) -> Refusals:
        # What opens a project is not shown as nothing to who may not see it, but refused.
        seen = oracle.has(actor, "project:read", project)
        return choose.judge(actor, "link:read", seen=seen, project=project)

    def ids(actor: Actor) -> list[str]:
        return [one.id for one in oracle.links.values() if one.project == project.id]

    return Question("list_links", w, f"/projects/{choose.ref(project, w)}/links", judge, ids=ids)


def list_memberships(choose: Chooser, w: Workspace) -> Question:
    oracle, removed = choose.oracle, choose.often(0.3)

    def ids(actor: Actor) -> list[str]:
        found = (one for one in oracle.members.values() if one.removed is removed)
        return [one.id for one in found if oracle.sees_member(actor, one)]

    params = {"removed": "true"} if removed else {}
    return Question("list_memberships", w, "/memberships", fine, params=params, ids=ids)


def get_membership(choose: Chooser, w: Workspace) -> Question | None:
    member = choose.member(w)
    if member is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "membership:read", seen=choose.oracle.sees_member(actor, member))

    return Question("get_membership", w, f"/memberships/{member.id}", judge)


def list_teams(choose: Chooser, w: Workspace) -> Question:
    def ids(actor: Actor) -> list[str]:
        return [one.id for one in choose.oracle.teams.values() if one.workspace == w.id]

    return Question("list_teams", w, "/teams", lambda actor: choose.judge(actor, "team:read"), ids=ids)


def get_team(choose: Chooser, w: Workspace) -> Question | None:
    team = choose.team(w)
    if team is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "team:read", seen=team.workspace == w.id)

    def look(actor: Actor, answer: Any) -> None:
        need(set(answer["member_ids"]) == team.members, "a team has other members")

    return Question("get_team", w, f"/teams/{team.id}", judge, look=look)


def list_roles(choose: Chooser, w: Workspace) -> Question:
    def ids(actor: Actor) -> list[str]:
        return [one.id for one in choose.oracle.roles.values() if one.workspace == w.id]

    return Question("list_roles", w, "/roles", lambda actor: choose.judge(actor, "role:read"), ids=ids)


def get_role(choose: Chooser, w: Workspace) -> Question | None:
    role = choose.role(w)
    if role is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return choose.judge(actor, "role:read", seen=role.workspace == w.id)

    def look(actor: Actor, answer: Any) -> None:
        need(set(answer["permissions"]) == role.permissions, "a role permits something else")

    return Question("get_role", w, f"/roles/{role.id}", judge, look=look)


def get_permissions(choose: Chooser, w: Workspace) -> Question:
    """One's own, or another's: all of them must be as the oracle has them."""
    oracle = choose.oracle
    project = choose.project(w) if choose.often(0.6) else None
    other = choose.member(w) if choose.often(0.4) else None
    params = {} if project is None else {"project": choose.ref(project, w)}
    if other is not None:
        params["membership"] = other.id

    def judge(actor: Actor) -> Refusals:
        if project is not None and not oracle.has(actor, "project:read", project):
            return frozenset({404})
        if other is None or other.id == actor.member.id:
            return FINE
        needed = "membership:update" if project is None else "grant:update"
        if needed not in _held(actor):
            return frozenset({403})
        return FINE if oracle.sees_member(actor, other) and not other.removed else frozenset({404})

    def _held(actor: Actor) -> frozenset[str]:
        return oracle.own(actor) if project is None else oracle.there(actor, project)

    def look(actor: Actor, answer: Any) -> None:
        member = other or actor.member
        held = oracle.of_workspace(member) if project is None else oracle.in_project(member, project)
        if member is actor.member:
            held = _held(actor)
        told = {one["permission"]: one["allowed"] for one in answer["permissions"]}
        need(told.keys() == (OF_WORKSPACE if project is None else OF_PROJECT), "not all permissions are told")
        need({one for one, allowed in told.items() if allowed} == held, f"permissions differ from {held}")

    return Question("get_permissions", w, "/permissions", judge, params=params, look=look)


READS: tuple[Reader, ...] = (
    *(get_workspace, get_project, get_task, get_comment, get_grant, get_membership, get_team, get_role),
    *(
        list_projects,
        list_tasks,
        list_comments,
        list_grants,
        list_links,
        list_memberships,
        list_teams,
        list_roles,
    ),
    *(list_tasks, get_task, get_permissions, get_permissions, list_events, list_task_activity),
)
"""Some stand here twice, as they are asked more often."""
