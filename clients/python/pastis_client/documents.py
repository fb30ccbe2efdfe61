"""Documents as the API shows them. Times are RFC 3339 in UTC, ids UUIDv7."""

from typing import Any, Literal, TypedDict

Doc = dict[str, Any]
"""A document of any kind. Never change one that you were given: make a new one."""

Category = Literal["backlog", "canceled", "done", "in_progress", "todo"]
Priority = Literal["high", "low", "medium", "none", "urgent"]
Role = Literal["admin", "guest", "member", "owner"]
TaskType = Literal["bug", "epic", "feature", "improvement", "story", "task"]
Visibility = Literal["link", "private", "workspace"]


class Kept(TypedDict):
    """`version` is the number of the event that changed the document last."""

    id: str
    version: int
    created_at: str
    updated_at: str


class Workspace(Kept):
    slug: str
    name: str
    description: str
    requires_second_factor: bool


class InWorkspace(Kept):
    workspace_id: str


class Membership(InWorkspace):
    type: Literal["link", "person", "service"]
    user_id: str | None
    display_name: str
    role: Role | None
    custom_role_id: str | None
    removed_at: str | None
    merged_into_id: str | None


class Project(InWorkspace):
    key: str
    name: str
    description: str
    lead_id: str | None
    visibility: Visibility
    default_status_id: str
    archived_at: str | None


class Status(InWorkspace):
    project_id: str
    name: str
    category: Category
    rank: str


class Label(InWorkspace):
    name: str
    description: str
    color: str


class External(TypedDict, total=False):
    """Where a task comes from or is kept as well."""

    source: str
    key: str
    url: str | None


class TaskItem(InWorkspace):
    """A task in a list."""

    project_id: str
    key: str
    former_keys: list[str]
    title: str
    type: TaskType
    status_id: str
    category: Category
    priority: Priority
    label_ids: list[str]
    assignee_ids: list[str]
    reporter_id: str | None
    parent_id: str | None
    estimate: float | None
    start_date: str | None
    due_date: str | None
    rank: str
    completed_at: str | None
    canceled_at: str | None
    archived_at: str | None
    trashed_at: str | None
    external: Doc | None


class Task(TaskItem):
    description: str


class Comment(InWorkspace):
    task_id: str
    author_id: str | None
    body: str
    edited_at: str | None


class Actor(TypedDict):
    kind: Literal["identity_source", "import", "link", "service", "system", "user"]
    membership_id: str | None
    user_id: str | None


class Source(TypedDict):
    channel: str
    client: str | None
    request_id: str | None
    token_id: str | None


class Operation(TypedDict):
    kind: str
    id: str
    verb: Literal["create", "delete", "update"]
    version: int
    set: Doc
    before: Doc


class Event(TypedDict):
    """What one command changed. `seq` numbers a workspace's events without gaps."""

    seq: int
    at: str
    actor: Actor
    source: Source
    command: str
    ops: list[Operation]


class Account(TypedDict, total=False):
    """Who is logged in, as far as every login shows it."""

    id: str
    email: str
    display_name: str
