"""Everything that changes projects, tasks and comments, each with words that only who may see it may read."""

from typing import Any

from app.tests.test_api.access.oracle import Actor, Comment, Grant, Project, Task, Workspace
from app.tests.test_api.access.questions import FINE, Chooser, Question, Refusals, id_of
from app.tests.test_api.access.tables import PROJECT_ROLES

VISIBILITIES = ("private", "private", "workspace", "link")


def create_project(choose: Chooser, w: Workspace) -> Question:
    oracle = choose.oracle
    lead = choose.person(w) if choose.often(0.3) else None
    key = f"P{len(oracle.projects) + 1}"
    visibility = choose.chance.choice(VISIBILITIES)
    body = {"key": key, "name": choose.canaries.new(), "visibility": visibility, "lead_id": id_of(lead)}

    def judge(actor: Actor) -> Refusals:
        strange = lead is not None and (lead.removed or not oracle.sees_member(actor, lead))
        return choose.also(choose.judge(actor, "project:create"), (strange, 404))

    def apply(actor: Actor, answer: Any) -> None:
        oracle.projects[answer["id"]] = Project(answer["id"], w.id, key, visibility, id_of(lead))
        if not actor.is_admin:
            # Who else might not see what they have just made; its id is learned from the list.
            grant = Grant(f"of-{answer['id']}", answer["id"], actor.member.id, None, "lead")
            oracle.grants[grant.id] = grant

    return Question("create_project", w, "/projects", judge, "POST", body, apply=apply)


def update_project(choose: Chooser, w: Workspace) -> Question | None:
    """Change who sees a project, or who leads it."""
    oracle, project = choose.oracle, choose.project(w)
    if project is None:
        return None
    body: dict[str, Any] = {}
    lead = None
    if choose.often(0.5):
        body["visibility"] = choose.chance.choice(VISIBILITIES)
    else:
        lead = choose.person(w) if choose.often(0.7) else None
        body["lead_id"] = id_of(lead)

    def judge(actor: Actor) -> Refusals:
        seen = oracle.has(actor, "project:read", project)
        found = choose.judge(actor, "project:update", seen=seen, project=project)
        same = all(getattr(project, name.removesuffix("_id")) == value for name, value in body.items())
        if same and 404 not in found and oracle.may_ask(actor, "project:update"):
            return FINE  # what changes nothing needs no permission there
        own = oracle.there(actor, project)
        opens = project.visibility == "private" and body.get("visibility", "private") != "private"
        return choose.also(
            found,
            (lead is not None and lead.id != project.lead and not PROJECT_ROLES["lead"] <= own, 403),
            (opens and not PROJECT_ROLES["contributor"] <= own, 403),
            (lead is not None and (lead.removed or not oracle.sees_member(actor, lead)), 404),
        )

    def apply(actor: Actor, answer: Any) -> None:
        project.visibility = body.get("visibility", project.visibility)
        project.lead = body.get("lead_id", project.lead)

    path = f"/projects/{choose.ref(project, w)}"
    return Question("update_project", w, path, judge, "PATCH", body, apply=apply)


def create_task(choose: Chooser, w: Workspace) -> Question | None:
    oracle, project = choose.oracle, choose.project(w)
    if project is None:
        return None
    body = {"project_id": choose.ref(project, w), "title": choose.canaries.new(), "description": ""}
    body["description"] = choose.canaries.new()

    def judge(actor: Actor) -> Refusals:
        seen = oracle.has(actor, "project:read", project)
        return choose.judge(actor, "task:create", seen=seen, project=project)

    def apply(actor: Actor, answer: Any) -> None:
        oracle.tasks[answer["id"]] = Task(answer["id"], project.id, answer["key"], been={project.id})

    return Question("create_task", w, "/tasks", judge, "POST", body, apply=apply)


def update_task(choose: Chooser, w: Workspace) -> Question | None:
    oracle, task = choose.oracle, choose.task(w)
    if task is None:
        return None

    def judge(actor: Actor) -> Refusals:
        project = oracle.projects[task.project]
        found = choose.judge(actor, "task:update", seen=oracle.sees_task(actor, task), project=project)
        return choose.also(found, (task.trashed, 409))

    body = {"title": choose.canaries.new()}
    return Question("update_task", w, f"/tasks/{choose.ref(task, w)}", judge, "PATCH", body)


def move_task(choose: Chooser, w: Workspace) -> Question | None:
    oracle, task, target = choose.oracle, choose.task(w), choose.project(w)
    if task is None or target is None:
        return None

    def judge(actor: Actor) -> Refusals:
        project = oracle.projects[task.project]
        seen = oracle.sees_task(actor, task) and oracle.has(actor, "project:read", target)
        found = choose.judge(actor, "task:update", seen=seen, project=project)
        if target is project and 404 not in found and oracle.may_ask(actor, "task:update"):
            return frozenset({409}) if task.trashed else FINE
        there = oracle.has(actor, "task:update", target)
        return choose.also(found, (seen and not there, 403), (task.trashed, 409))

    def apply(actor: Actor, answer: Any) -> None:
        task.project, task.key = target.id, answer["key"]
        task.been.add(target.id)

    body = {"project_id": target.id}
    return Question("move_task", w, f"/tasks/{choose.ref(task, w)}/move", judge, "POST", body, apply=apply)


def put_away_task(choose: Chooser, w: Workspace) -> Question | None:
    """Into the trash, or out of it."""
    oracle, task = choose.oracle, choose.task(w)
    if task is None:
        return None
    restore = task.trashed

    def judge(actor: Actor) -> Refusals:
        project = oracle.projects[task.project]
        return choose.judge(actor, "task:delete", seen=oracle.sees_task(actor, task), project=project)

    def apply(actor: Actor, answer: Any) -> None:
        task.trashed = not restore

    path = f"/tasks/{choose.ref(task, w)}"
    if restore:
        return Question("restore_task", w, f"{path}/restore", judge, "POST", apply=apply)
    return Question("delete_task", w, path, judge, "DELETE", apply=apply)


def create_comment(choose: Chooser, w: Workspace) -> Question | None:
    oracle, task = choose.oracle, choose.task(w)
    if task is None:
        return None

    def judge(actor: Actor) -> Refusals:
        project = oracle.projects[task.project]
        found = choose.judge(actor, "comment:create", seen=oracle.sees_task(actor, task), project=project)
        return choose.also(found, (task.trashed, 409))

    def apply(actor: Actor, answer: Any) -> None:
        oracle.comments[answer["id"]] = Comment(answer["id"], task.id, actor.member.id)

    body = {"body": choose.canaries.new()}
    path = f"/tasks/{choose.ref(task, w)}/comments"
    return Question("create_comment", w, path, judge, "POST", body, apply=apply)


def _judge_comment(choose: Chooser, actor: Actor, comment: Comment, permission: str) -> Refusals:
    """People change their own comments, who moderates all of them."""
    oracle, task = choose.oracle, choose.oracle.tasks[comment.task]
    project = oracle.projects[task.project]
    found = choose.judge(actor, permission, seen=oracle.sees_comment(actor, comment), project=project)
    own = comment.author == actor.member.id or oracle.has(actor, "comment:moderate", project)
    return choose.also(found, (not own, 403), (task.trashed, 409))


def update_comment(choose: Chooser, w: Workspace) -> Question | None:
    comment = choose.comment(w)
    if comment is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return _judge_comment(choose, actor, comment, "comment:update")

    path = f"/tasks/{comment.task}/comments/{comment.id}"
    body = {"body": choose.canaries.new()}
    return Question("update_comment", w, path, judge, "PATCH", body)


def delete_comment(choose: Chooser, w: Workspace) -> Question | None:
    comment = choose.comment(w)
    if comment is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return _judge_comment(choose, actor, comment, "comment:delete")

    def apply(actor: Actor, answer: Any) -> None:
        choose.oracle.deleted[comment.id] = choose.oracle.comments.pop(comment.id)

    path = f"/tasks/{comment.task}/comments/{comment.id}"
    return Question("delete_comment", w, path, judge, "DELETE", apply=apply)
