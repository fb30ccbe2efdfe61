"""The inverse of one operation. What one could not do by hand, or no longer, an undo does not do either."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.core.documents import Doc, Entity, loaded
from app.core.errors import ErrorCode, FieldCode, FieldError, PastisError
from app.core.unit_of_work import Work
from app.models.comments import Comment
from app.models.grants import Grant
from app.models.invitations import Invitation
from app.models.labels import Label
from app.models.memberships import Membership, Role
from app.models.projects import Project
from app.models.roles import CustomRole
from app.models.statuses import Status
from app.models.tasks import Task
from app.models.teams import Team
from app.services.access import Scope
from app.services.activity import rules
from app.services.comments.rules import check_own
from app.services.grants import check_give
from app.services.invitations import check_invitable
from app.services.memberships import check_change
from app.services.memberships.rules import check_custom_role, check_manage
from app.services.projects.rules import check_opening
from app.services.roles import check_role_name, check_unused
from app.services.statuses import project_statuses
from app.services.statuses.rules import check_name, check_room, free_rank
from app.services.tasks.changes import check_references, free_task_rank
from app.services.tasks.rules import check_changeable, check_dates, check_open
from app.services.teams import check_members, check_team_name

Prepare = Callable[[Work, Scope, Any, Doc], Awaitable[Doc]]
"""Raises where a document may not be given its former values; gives what else follows from them."""


async def take_back(work: Work, scope: Scope, entity: Entity, former: Doc) -> None:
    """Give a document the values that it had."""
    prepare = _PREPARE.get(type(entity))
    follows = {} if prepare is None else await prepare(work, scope, entity, former)
    work.update(entity, **former | follows)


async def bring_back(work: Work, scope: Scope, model: type[Entity], former: Doc) -> None:
    """Make again what was deleted, as it was."""
    doc = {**former, "_id": former["id"], "updated_at": work.now}
    del doc["id"]
    if model is Label:
        doc["folded"] = await _free_name(work, former["name"], former["id"])
    entity = loaded(model, doc)
    if isinstance(entity, Comment):
        await _comment(work, scope, entity, former)
    if isinstance(entity, Status):
        entity = await _status_again(work, entity)
    work.add(entity)
    if type(entity) in (CustomRole, Grant, Invitation, Team):
        await _PREPARE[type(entity)](work, scope, entity, former)


async def remove(work: Work, scope: Scope, entity: Entity) -> None:
    """Take away what was made, and has not been changed since."""
    if isinstance(entity, Task):
        await take_back(work, scope, entity, {"trashed_at": work.now})
    elif isinstance(entity, Status):
        statuses = await _statuses_of_open(work, entity.project_id)
        project = await work.require(Project, entity.project_id)
        if project.default_status_id == entity.id:
            raise rules.conflict("changed_since", changed=["default_status_id"])
        if len(statuses) == 1:
            raise rules.conflict("changed_since")
        work.remove(entity)
    elif isinstance(entity, Comment):
        await _comment(work, scope, entity, {})
        work.remove(entity)
    elif isinstance(entity, CustomRole):
        await check_unused(work, entity.id)
        work.remove(entity)
    elif isinstance(entity, Invitation):
        check_manage(scope.standing.rank, entity.role)
        work.remove(entity)
    elif isinstance(entity, Grant | Label | Team):
        work.remove(entity)
    else:
        raise rules.conflict("not_undoable")


async def _comment(work: Work, scope: Scope, comment: Comment, _former: Doc) -> Doc:
    task = await work.require(Task, comment.task_id)
    check_own(comment, scope.standing, task.project_id)
    check_changeable(task)
    check_open(await work.require(Project, task.project_id))
    return {}


async def _label(work: Work, _scope: Scope, label: Label, former: Doc) -> Doc:
    if "name" not in former:
        return {}
    return {"folded": await _free_name(work, former["name"], label.id)}


async def _free_name(work: Work, name: str, label_id: str) -> str:
    folded = name.casefold()
    if any(one.id != label_id for one in await work.find(Label, {"folded": folded}, limit=2)):
        raise rules.conflict("changed_since", FieldError("/name", FieldCode.TAKEN))
    return folded


async def _membership(work: Work, scope: Scope, membership: Membership, former: Doc) -> Doc:
    if membership.removed_at is not None and "removed_at" not in former:
        raise rules.conflict("gone")
    ended = former.get("removed_at", membership.removed_at) is not None
    role = None if ended else Role(former.get("role", membership.role))
    await check_change(work, scope, membership, role)
    if role is not None:
        await _custom_of(work, scope, membership, former, role)
    return {}


async def _custom_of(work: Work, scope: Scope, membership: Membership, former: Doc, role: Role) -> None:
    """A custom role is given by an undo to whom, and by whom, it could be given by hand."""
    custom = former.get("custom_role_id", membership.custom_role_id)
    if custom is None or former.keys().isdisjoint({"custom_role_id", "removed_at", "role"}):
        return
    if role is not Role.MEMBER:
        raise rules.conflict("changed_since", changed=["custom_role_id"])
    check_custom_role(scope.standing, role, custom)
    if await work.get(CustomRole, custom) is None:
        raise rules.conflict("gone", FieldError("/custom_role_id", FieldCode.NOT_FOUND))


async def _custom_role(work: Work, _scope: Scope, role: CustomRole, former: Doc) -> Doc:
    with _taken():
        await check_role_name(work, former.get("name", role.name), role.id)
    return {}


async def _grant(work: Work, scope: Scope, grant: Grant, former: Doc) -> Doc:
    """A grant is only taken back by who could give what it was, and what it is."""
    check_open(await work.require(Project, grant.project_id))
    for one in (grant, grant.model_copy(update=former)):
        await check_give(work, scope, one)
    return {}


async def _invitation(work: Work, scope: Scope, invitation: Invitation, _former: Doc) -> Doc:
    await check_invitable(work, scope.standing, invitation)
    return {}


async def _team(work: Work, _scope: Scope, team: Team, former: Doc) -> Doc:
    with _taken():
        await check_team_name(work, former.get("name", team.name), team.id)
    await check_members(work, former.get("member_ids", ()))
    return {}


@contextmanager
def _taken() -> Iterator[None]:
    """Say that a name has become another's since."""
    try:
        yield
    except PastisError as exc:
        raise rules.conflict("changed_since", *exc.errors) from None


async def _project(work: Work, scope: Scope, project: Project, former: Doc) -> Doc:
    check_opening(scope.standing.in_project(project.id), project, former)
    if "archived_at" not in former:
        check_open(project)
    if "default_status_id" in former:
        status = await work.get(Status, former["default_status_id"])
        if status is None or status.project_id != project.id:
            raise rules.conflict("gone", FieldError("/default_status_id", FieldCode.NOT_FOUND))
    if former.get("lead_id") is not None:
        lead = await work.get(Membership, former["lead_id"])
        if lead is None or lead.removed_at is not None:
            raise rules.conflict("gone", FieldError("/lead_id", FieldCode.NOT_FOUND))
    return {}


async def _status(work: Work, _scope: Scope, status: Status, former: Doc) -> Doc:
    statuses = await _statuses_of_open(work, status.project_id)
    if "name" in former:
        _check_name(statuses, former["name"], status.id)
    if "rank" not in former:
        return {}
    return {"rank": free_rank([one for one in statuses if one.id != status.id], former["rank"])}


async def _status_again(work: Work, status: Status) -> Status:
    statuses = await _statuses_of_open(work, status.project_id)
    check_room(statuses)
    _check_name(statuses, status.name, status.id)
    return status.model_copy(update={"rank": free_rank(statuses, status.rank)})


def _check_name(statuses: Sequence[Status], name: str, status_id: str) -> None:
    with _taken():
        check_name(statuses, name, except_id=status_id)


async def _statuses_of_open(work: Work, project_id: str) -> list[Status]:
    check_open(await work.require(Project, project_id))
    return await project_statuses(work, project_id)


async def _task(work: Work, _scope: Scope, task: Task, former: Doc) -> Doc:
    if former.keys().isdisjoint({"archived_at", "trashed_at"}):
        check_changeable(task)
    project_id = former.get("project_id", task.project_id)
    for id_ in {project_id, task.project_id}:
        check_open(await work.require(Project, id_))
    status = await work.get(Status, former.get("status_id", task.status_id))
    if status is None or status.project_id != project_id:
        raise rules.conflict("gone", FieldError("/status_id", FieldCode.NOT_FOUND))
    try:
        check_dates(former.get("start_date", task.start_date), former.get("due_date", task.due_date))
        await check_references(work, task.id, former)
    except PastisError as exc:
        raise _of_references(exc, former) from None
    if "rank" not in former:
        return {}
    return {"rank": await free_task_rank(work, task, project_id, former["rank"])}


def _of_references(refusal: PastisError, former: Doc) -> PastisError:
    """What is wrong with the dates, or with what a task's former values refer to."""
    if refusal.code is not ErrorCode.NOT_FOUND:
        parent = [] if refusal.errors else ["parent_id"]  # it would stand below itself, or too deep
        return rules.conflict("changed_since", *refusal.errors, changed=parent)
    names = [name for name in _REFERENCES.get(str(refusal.params.get("kind")), ()) if former.get(name)]
    # Of two fields that name people it is not known which one it is.
    lost = [FieldError(f"/{name}", FieldCode.NOT_FOUND) for name in names] if len(names) == 1 else []
    return rules.conflict("gone", *lost)


_REFERENCES = {"label": ["label_ids"], "membership": ["assignee_ids", "reporter_id"], "task": ["parent_id"]}
_PREPARE: Mapping[type[Entity], Prepare] = {
    Comment: _comment,
    CustomRole: _custom_role,
    Grant: _grant,
    Invitation: _invitation,
    Label: _label,
    Membership: _membership,
    Project: _project,
    Status: _status,
    Task: _task,
    Team: _team,
}
