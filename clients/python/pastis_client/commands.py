"""Changes as values: each can be sent, kept, and sent again, and does what it says once.

`await workspace.calls.send(command)` sends one and gives what it leads to; `await workspace.do(command)` also
shows it at once, and keeps it until the server has answered.

What is named by its id is shown at once, what is named by a key once the server has done it. What the server
alone knows, such as the key of a new task, is empty until then.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Generic, Literal, Self, TypedDict, TypeVar, Unpack, cast

from pastis_client.documents import (
    Category,
    Comment,
    Doc,
    External,
    Label,
    Membership,
    Priority,
    Project,
    Role,
    Status,
    Task,
    TaskType,
    Visibility,
)
from pastis_client.ids import new_id

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a command is expected to do to one document."""

    verb: Literal["create", "delete", "update"]
    kind: str
    id: str
    set: Doc = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Command(Generic[T_co]):
    """A change of a workspace; its answer is a T_co.

    `mutation_id` makes it happen once, however often it is sent within seven days. With `if_version` it is
    refused where the document has another version by then.
    """

    method: str
    path: str
    body: Doc | None = None
    effects: tuple[Effect, ...] = ()
    if_version: int | None = None
    mutation_id: str = field(default_factory=new_id)

    def to_json(self) -> Doc:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: Doc) -> Self:
        return cls(**{**kept, "effects": tuple(Effect(**one) for one in kept["effects"])})


class TaskFields(TypedDict, total=False):
    """Fields of a task; None clears, where it may be empty."""

    description: str
    type: TaskType
    status_id: str
    priority: Priority
    label_ids: list[str]
    assignee_ids: list[str]
    reporter_id: str | None
    parent_id: str | None
    estimate: float | None
    start_date: str | None
    due_date: str | None
    external: External | None


class TaskChanges(TaskFields, total=False):
    title: str


class ProjectFields(TypedDict, total=False):
    description: str
    lead_id: str | None
    visibility: Visibility


class ProjectChanges(ProjectFields, total=False):
    name: str
    default_status_id: str


class LabelFields(TypedDict, total=False):
    description: str
    color: str


class LabelChanges(LabelFields, total=False):
    name: str


class MembershipChanges(TypedDict, total=False):
    display_name: str
    role: Role
    custom_role_id: str | None


_LAST = "~"
"""Behind every rank of the server: what is new comes at the end."""
_NEW_TASK: Doc = {
    "key": "",
    "former_keys": [],
    "description": "",
    "type": "task",
    "status_id": "",
    "category": "todo",
    "priority": "none",
    "label_ids": [],
    "assignee_ids": [],
    "reporter_id": None,
    "parent_id": None,
    "estimate": None,
    "start_date": None,
    "due_date": None,
    "rank": _LAST,
    "completed_at": None,
    "canceled_at": None,
    "archived_at": None,
    "trashed_at": None,
    "external": None,
}
_NEW_PROJECT: Doc = {
    "description": "",
    "lead_id": None,
    "visibility": "workspace",
    "default_status_id": "",
    "archived_at": None,
}


def create_task(project_id: str, title: str, **fields: Unpack[TaskFields]) -> Command[Task]:
    """A task at the end of its project's order; its id is `command.body["id"]`."""
    return _create("task", "/tasks", {"project_id": project_id, "title": title, **fields}, _NEW_TASK)


def update_task(task: str, *, if_version: int | None = None, **changes: Unpack[TaskChanges]) -> Command[Task]:
    return _update("task", f"/tasks/{task}", task, changes, if_version)


def rank_task(
    task: str, *, before: str | None = None, after: str | None = None, status_id: str | None = None
) -> Command[Task]:
    """Another place in the order: right before or right after another task, in another column, or both."""
    places = {"before_id": before, "after_id": after, "status_id": status_id}
    body = {name: value for name, value in places.items() if value is not None}
    shown = {} if status_id is None else {"status_id": status_id}
    return Command("POST", f"/tasks/{task}/rank", body, (Effect("update", "task", task, shown),))


def move_task(task: str, project_id: str, *, status_id: str | None = None) -> Command[Task]:
    """Into another project."""
    body = {"project_id": project_id} | ({} if status_id is None else {"status_id": status_id})
    return Command("POST", f"/tasks/{task}/move", body, (Effect("update", "task", task, body),))


def archive_task(task: str) -> Command[Task]:
    return Command("POST", f"/tasks/{task}/archive", None, (_dated("task", task, archived_at=True),))


def unarchive_task(task: str) -> Command[Task]:
    return Command("POST", f"/tasks/{task}/unarchive", None, (_dated("task", task, archived_at=False),))


def trash_task(task: str) -> Command[Task]:
    return Command("DELETE", f"/tasks/{task}", None, (_dated("task", task, trashed_at=True),))


def restore_task(task: str) -> Command[Task]:
    return Command("POST", f"/tasks/{task}/restore", None, (_dated("task", task, trashed_at=False),))


def create_comment(task: str, body: str) -> Command[Comment]:
    id_ = new_id()
    shown = {"id": id_, "task_id": task, "author_id": None, "body": body, "edited_at": None}
    return Command(
        "POST",
        f"/tasks/{task}/comments",
        {"id": id_, "body": body},
        (Effect("create", "comment", id_, _shown(shown)),),
    )


def update_comment(task: str, comment: str, body: str) -> Command[Comment]:
    return _update("comment", f"/tasks/{task}/comments/{comment}", comment, {"body": body}, None)


def delete_comment(task: str, comment: str) -> Command[None]:
    return _delete("comment", f"/tasks/{task}/comments/{comment}", comment)


def create_project(key: str, name: str, **fields: Unpack[ProjectFields]) -> Command[Project]:
    """A project with statuses of its own."""
    return _create("project", "/projects", {"key": key, "name": name, **fields}, _NEW_PROJECT)


def update_project(
    project: str, *, if_version: int | None = None, **changes: Unpack[ProjectChanges]
) -> Command[Project]:
    return _update("project", f"/projects/{project}", project, changes, if_version)


def archive_project(project: str) -> Command[Project]:
    effect = _dated("project", project, archived_at=True)
    return Command("POST", f"/projects/{project}/archive", None, (effect,))


def unarchive_project(project: str) -> Command[Project]:
    effect = _dated("project", project, archived_at=False)
    return Command("POST", f"/projects/{project}/unarchive", None, (effect,))


def create_status(project: str, name: str, category: Category) -> Command[Status]:
    """A column at the end of the board."""
    body = {"name": name, "category": category}
    return _create("status", f"/projects/{project}/statuses", body, {"project_id": project, "rank": _LAST})


def rename_status(project: str, status: str, name: str) -> Command[Status]:
    return _update("status", f"/projects/{project}/statuses/{status}", status, {"name": name}, None)


def move_status(project: str, status: str, after: str | None) -> Command[Status]:
    """Right after another column, or to the beginning of the board."""
    return Command("POST", f"/projects/{project}/statuses/{status}/move", {"after_id": after})


def delete_status(project: str, status: str) -> Command[None]:
    return _delete("status", f"/projects/{project}/statuses/{status}", status)


def create_label(name: str, **fields: Unpack[LabelFields]) -> Command[Label]:
    return _create("label", "/labels", {**fields, "name": name}, {"description": "", "color": ""})


def update_label(
    label: str, *, if_version: int | None = None, **changes: Unpack[LabelChanges]
) -> Command[Label]:
    return _update("label", f"/labels/{label}", label, changes, if_version)


def delete_label(label: str) -> Command[None]:
    return _delete("label", f"/labels/{label}", label)


def add_member(email: str, role: Role = "member") -> Command[Membership]:
    """Let in somebody who has an account."""
    return Command("POST", "/memberships", {"id": new_id(), "email": email, "role": role})


def update_member(membership: str, **changes: Unpack[MembershipChanges]) -> Command[Membership]:
    return _update("membership", f"/memberships/{membership}", membership, changes, None)


def remove_member(membership: str) -> Command[None]:
    return Command("DELETE", f"/memberships/{membership}")


def undo(seq: int) -> Command[None]:
    """Take an event back."""
    return Command("POST", f"/events/{seq}/undo")


def _create(kind: str, path: str, fields: Mapping[str, object], defaults: Doc) -> Command[Any]:
    body = {"id": new_id(), **fields}
    effect = Effect("create", kind, cast(str, body["id"]), _shown({**defaults, **body}))
    return Command("POST", path, body, (effect,))


def _update(
    kind: str, path: str, id_: str, changes: Mapping[str, object], if_version: int | None
) -> Command[Any]:
    body = dict(changes)
    return Command("PATCH", path, body, (Effect("update", kind, id_, body),), if_version)


def _delete(kind: str, path: str, id_: str) -> Command[None]:
    return Command("DELETE", path, None, (Effect("delete", kind, id_),))


def _dated(kind: str, id_: str, **fields: bool) -> Effect:
    """Times that are set to now or taken away."""
    return Effect("update", kind, id_, {name: _now() if on else None for name, on in fields.items()})


def _shown(doc: Doc) -> Doc:
    """A new document, which has no version before the server has made it."""
    return {**doc, "workspace_id": "", "version": 0, "created_at": _now(), "updated_at": _now()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
