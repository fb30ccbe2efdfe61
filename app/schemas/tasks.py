"""Tasks."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    Strict,
    ValidationInfo,
    field_validator,
)

from app.core.errors import FieldCode
from app.models.statuses import Category
from app.models.tasks import SORTS, Priority, State, TaskType
from app.schemas.base import (
    KEPT,
    OMITTED,
    OTHER_ID,
    WHOLE,
    Block,
    Body,
    Day,
    Id,
    Ids,
    Instant,
    Kept,
    Name,
    NewId,
    Number,
    Ref,
    SearchText,
    Shown,
    Title,
    WebAddress,
    example,
    refusal,
)
from app.schemas.pagination import CURSOR, LIMIT
from app.utils.ids import is_id


class ExternalSource(Body):
    """Where a task comes from or is kept as well."""

    source: Name = Field(description="The system: `github`, `jira`.")
    key: Name = Field(description="What the task is called there.")
    url: WebAddress | None = None

    model_config = Body.model_config | example(
        source="github", key="infusion#1203", url="https://github.com/fluid-project/infusion/issues/1203"
    )


class TaskCreate(Body):
    id: NewId = None
    project_id: Ref = Field(description="The project's id or key.")
    title: Title
    description: Block = ""
    type: TaskType = TaskType.TASK
    status_id: Id | None = Field(None, description="Else the project's first status to do.")
    priority: Priority = Priority.NONE
    label_ids: Ids = []
    assignee_ids: Ids = Field([], description="Memberships.")
    reporter_id: Id | None = Field(None, description="A membership; else the one who creates it.")
    parent_id: Ref | None = Field(None, description="The parent's id or key.")
    estimate: Number | None = None
    start_date: Day | None = None
    due_date: Day | None = None
    external: ExternalSource | None = None

    model_config = Body.model_config | example(
        project_id="FLUID",
        title="Keyboard a11y: focus is lost when the dialog closes",
        description="Steps: open the dialog, press **Escape**.",
        type="bug",
        priority="high",
        due_date="2026-12-18",
    )


class TaskPatch(Body):
    """A merge patch: what is absent stays, null clears."""

    title: Title = OMITTED
    description: Block = OMITTED
    type: TaskType = OMITTED
    status_id: Id = OMITTED
    priority: Priority = OMITTED
    label_ids: Ids = OMITTED
    assignee_ids: Ids = OMITTED
    reporter_id: Id | None = None
    parent_id: Ref | None = None
    estimate: Number | None = None
    start_date: Day | None = None
    due_date: Day | None = None
    external: ExternalSource | None = Field(
        None, description="What an import has put beside these members stays as it is."
    )

    model_config = Body.model_config | example(priority="urgent", due_date=None)


class TaskRank(Body):
    """A card's new place: beside another card, in another column, or both."""

    # In this order: the check of the second looks at the first.
    before_id: Ref | None = Field(
        None, description="The task to stand right before; not together with `after_id`."
    )
    after_id: Ref | None = Field(
        None, description="The task to stand right behind; not together with `before_id`."
    )
    status_id: Id | None = Field(None, description="The column; else it stays.")

    model_config = Body.model_config | example(after_id="FLUID-6142", status_id=OTHER_ID)

    @field_validator("after_id")
    @classmethod
    def _one_neighbour(cls, after_id: str | None, info: ValidationInfo) -> str | None:
        if after_id is not None and info.data.get("before_id") is not None:
            raise refusal(FieldCode.INVALID_CHOICE, exclusive="after_id, before_id")
        return after_id


class TaskMove(Body):
    """Another project. The task keeps its id, history and former keys."""

    project_id: Ref
    status_id: Id | None = Field(
        None, description="A status there; else the one of the same name or category."
    )

    model_config = Body.model_config | example(project_id="INFRA")


_TASK: dict[str, Any] = {
    **KEPT,
    "workspace_id": OTHER_ID,
    "project_id": OTHER_ID,
    "key": "FLUID-6143",
    "former_keys": [],
    "title": "Keyboard a11y: focus is lost when the dialog closes",
    "type": "bug",
    "status_id": OTHER_ID,
    "category": "todo",
    "priority": "high",
    "label_ids": [],
    "assignee_ids": [OTHER_ID],
    "reporter_id": OTHER_ID,
    "parent_id": None,
    "estimate": 3,
    "start_date": None,
    "due_date": "2026-12-18",
    "rank": "a0",
    "completed_at": None,
    "canceled_at": None,
    "archived_at": None,
    "trashed_at": None,
    "external": None,
}


class TaskListItem(Kept):
    """A task without its description."""

    workspace_id: Id
    project_id: Id
    key: str
    former_keys: list[str]
    title: str
    type: TaskType
    status_id: Id
    category: Category
    priority: Priority
    label_ids: list[Id]
    assignee_ids: list[Id]
    reporter_id: Id | None
    parent_id: Id | None
    estimate: float | None
    start_date: str | None
    due_date: str | None
    rank: str
    completed_at: datetime | None
    canceled_at: datetime | None
    archived_at: datetime | None
    trashed_at: datetime | None
    external: dict[str, Any] | None = Field(
        description="Where the task comes from: source, key, url; an import adds links, attachments, fields."
    )
    description: str = Field("", description="Only with `include=description`.")

    model_config = Kept.model_config | example(**_TASK)


_WHOLE_TASK = {**_TASK, "description": "Steps: open the dialog, press **Escape**."}


class TaskRead(TaskListItem):
    description: str

    model_config = Kept.model_config | example(**_WHOLE_TASK)


class _Change(Body):
    task: Ref = Field(description="Its id or key.")
    version: Annotated[int, Strict(), Field(ge=1, le=2**53)] | None = Field(
        None, description="Only if the task is still at this version; takes the place of If-Match."
    )


class TaskCreateOperation(Body):
    action: Literal["create"]
    body: TaskCreate


class TaskUpdateOperation(_Change):
    action: Literal["update"]
    body: TaskPatch


class TaskRankOperation(_Change):
    action: Literal["rank"]
    body: TaskRank


class TaskMoveOperation(_Change):
    action: Literal["move"]
    body: TaskMove


class TaskPlainOperation(_Change):
    action: Literal["archive", "restore", "trash", "unarchive"]


TaskOperation = Annotated[
    TaskCreateOperation | TaskUpdateOperation | TaskRankOperation | TaskMoveOperation | TaskPlainOperation,
    Field(discriminator="action"),
]


class TaskBatch(Body):
    """Operations that are all done, one after the other, or not at all."""

    operations: Annotated[list[TaskOperation], Field(min_length=1, max_length=100)]

    model_config = Body.model_config | example(
        operations=[
            {"action": "create", "body": {"project_id": "FLUID", "title": "Write the release notes"}},
            {"action": "update", "task": "FLUID-6143", "version": 42, "body": {"priority": "urgent"}},
            {"action": "trash", "task": "FLUID-6142"},
        ]
    )


class TaskBatchRead(Shown):
    items: list[TaskRead] = Field(description="The tasks as the operations left them, in the same order.")

    model_config = Shown.model_config | example(items=[_WHOLE_TASK])


MAX_VALUES = 50
ME, NOBODY = "me", "none"


def _each(text: str, fits: Callable[[str], bool], code: FieldCode, **params: str) -> str:
    values = text.split(",")
    if len(values) > MAX_VALUES:
        raise refusal(FieldCode.TOO_MANY, limit=MAX_VALUES)
    if not all(fits(value) for value in values):
        raise refusal(code, **params)
    return text


def _choices(kind: type[StrEnum]) -> AfterValidator:
    named = ", ".join(kind)
    return AfterValidator(
        lambda text: _each(text, set(kind).__contains__, FieldCode.INVALID_CHOICE, choices=named)
    )


def _sort(text: str) -> str:
    if text not in _SORTS:
        raise refusal(FieldCode.INVALID_CHOICE, choices=", ".join(_SORTS))
    return text


def _people(text: str) -> str:
    return _each(text, lambda value: value in {ME, NOBODY} or is_id(value), FieldCode.INVALID_ID)


_SORTS = [sign + name for sign in ("", "-") for name in SORTS]
_LIST = "One, or several separated by commas."
_SeveralIds = Annotated[
    str,
    Field(max_length=2000),
    AfterValidator(lambda text: _each(text, is_id, FieldCode.INVALID_ID)),
]


class TaskListQuery(Body):
    """Which tasks a list holds, in which order, and which page of it."""

    project: Ref | None = Field(None, description="A project's id or key.")
    status: _SeveralIds | None = Field(None, description=f"Statuses by id. {_LIST}")
    category: Annotated[str, Field(max_length=200), _choices(Category)] | None = Field(
        None, description=f"Categories of statuses. {_LIST}"
    )
    assignee: Annotated[str, Field(max_length=2000), AfterValidator(_people)] | None = Field(
        None, description=f"Memberships, `me` or `none`. {_LIST}"
    )
    label: _SeveralIds | None = Field(None, description=f"Labels by id. {_LIST}")
    priority: Annotated[str, Field(max_length=200), _choices(Priority)] | None = Field(
        None, description=_LIST
    )
    parent: Ref | None = Field(None, description="A task's id or key, or `none`.")
    q: SearchText | None = Field(None, description="Text in the title, whatever its case.")
    state: State = Field(State.ACTIVE, description="On the lists and boards, put away, or in the trash.")
    created_since: Instant | None = Field(None, description="Created at this time or later.")
    created_until: Instant | None = Field(None, description="Created before this time.")
    updated_since: Instant | None = Field(None, description="Last changed at this time or later.")
    updated_until: Instant | None = Field(None, description="Last changed before this time.")
    due_since: Day | None = Field(None, description="Due on this day or later.")
    due_until: Day | None = Field(None, description="Due on this day or earlier.")
    sort: Annotated[str, AfterValidator(_sort), Field(json_schema_extra={"enum": [*_SORTS]})] = Field(
        "rank",
        description="`rank`, `created`, `updated`, `due`, `priority` (most urgent first); `-` turns it.",
    )
    include: Literal["description"] | None = Field(None, description="Fields that lists leave out.")
    limit: Annotated[int, Field(ge=1, le=200, description=LIMIT), WHOLE] = 50
    cursor: Annotated[str, Field(max_length=1024)] | None = Field(None, description=CURSOR)
    count: bool = Field(False, description="Also count all that match.")
