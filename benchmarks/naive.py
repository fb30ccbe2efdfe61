"""The naive way, to be measured beside Pastis: FastAPI, ODMantic over Motor, a response model, and a counter
that is moved inside the transaction. Nobody logs in, and no right is looked at.
"""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, HTTPException
from motor.motor_asyncio import AsyncIOMotorClient
from odmantic import AIOEngine, Field, Model
from odmantic.session import AIOTransaction
from pydantic import BaseModel, ConfigDict
from pymongo.errors import PyMongoError

TASKS = "naive_tasks"
TRANSIENT = "TransientTransactionError"
LIST_LIMIT = 50


class Counter(Model):
    id: str = Field(primary_field=True)
    seq: int = 0

    model_config = {"collection": "naive_counters"}


class Event(Model):
    id: str = Field(primary_field=True, default_factory=lambda: str(uuid4()))
    task_id: str
    seq: int
    at: datetime
    changes: dict[str, Any]

    model_config = {"collection": "naive_events"}


class Task(Model):
    id: str = Field(primary_field=True)
    workspace_id: str
    project_id: str
    key: str
    former_keys: list[str] = Field(default_factory=list)
    title: str
    description: str = ""
    type: str = "task"
    status_id: str
    category: str = "todo"
    priority: str = "none"
    label_ids: list[str] = Field(default_factory=list)
    assignee_ids: list[str] = Field(default_factory=list)
    reporter_id: str | None = None
    parent_id: str | None = None
    estimate: float | None = None
    start_date: str | None = None
    due_date: str | None = None
    rank: str
    completed_at: datetime | None = None
    canceled_at: datetime | None = None
    archived_at: datetime | None = None
    trashed_at: datetime | None = None
    external: dict[str, Any] | None = None
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {"collection": TASKS}


class TaskCreate(BaseModel):
    project_id: str
    title: str


class TaskPatch(BaseModel):
    title: str


class TaskListItem(BaseModel):
    """What Pastis' lists have, too."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    workspace_id: str
    project_id: str
    key: str
    former_keys: list[str]
    title: str
    type: str
    status_id: str
    category: str
    priority: str
    label_ids: list[str]
    assignee_ids: list[str]
    reporter_id: str | None
    parent_id: str | None
    estimate: float | None
    start_date: str | None
    due_date: str | None
    rank: str
    completed_at: datetime | None
    canceled_at: datetime | None
    archived_at: datetime | None
    trashed_at: datetime | None
    external: dict[str, Any] | None
    version: int
    created_at: datetime
    updated_at: datetime


class TaskRead(TaskListItem):
    description: str


client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
    os.environ["PASTIS_DATABASE_URL"], w="majority", journal=True
)
engine = AIOEngine(client, os.environ["PASTIS_DATABASE_NAME"])
app = FastAPI()


async def _in_transaction(work: Callable[[AIOTransaction], Awaitable[Task]]) -> Task:
    """Again and again, until nobody else was faster."""
    while True:
        try:
            async with engine.transaction() as transaction:
                return await work(transaction)
        except PyMongoError as error:
            if not error.has_error_label(TRANSIENT):
                raise


async def _next(transaction: AIOTransaction, workspace_id: str) -> int:
    counters = engine.get_collection(Counter)
    found = await counters.find_one_and_update(
        {"_id": workspace_id},
        {"$inc": {"seq": 1}},
        upsert=True,
        return_document=True,
        session=transaction.get_driver_session(),
    )
    return int(found["seq"])


@app.get("/tasks/{task_id}", response_model=TaskRead)
async def get_task(task_id: str) -> Task:
    return await _find(engine, task_id)


@app.get("/tasks", response_model=list[TaskListItem])
async def list_tasks(project_id: str) -> list[Task]:
    return await engine.find(Task, Task.project_id == project_id, sort=Task.rank, limit=LIST_LIMIT)


@app.post("/tasks", response_model=TaskRead, status_code=201)
async def create_task(data: TaskCreate) -> Task:
    async def create(transaction: AIOTransaction) -> Task:
        first = await transaction.find_one(Task, Task.project_id == data.project_id)
        if first is None:
            raise HTTPException(404)
        now = datetime.now(UTC).replace(tzinfo=None)
        seq = await _next(transaction, first.workspace_id)
        task = Task(
            id=str(uuid4()),
            workspace_id=first.workspace_id,
            project_id=data.project_id,
            key=f"{first.key.partition('-')[0]}-{seq}",
            title=data.title,
            status_id=first.status_id,
            rank=f"z{seq:012}",
            version=seq,
            created_at=now,
            updated_at=now,
        )
        await transaction.save(task)
        await transaction.save(Event(task_id=task.id, seq=seq, at=now, changes=task.model_dump()))
        return task

    return await _in_transaction(create)


@app.patch("/tasks/{task_id}", response_model=TaskRead)
async def update_task(task_id: str, patch: TaskPatch) -> Task:
    async def update(transaction: AIOTransaction) -> Task:
        task = await _find(transaction, task_id)
        seq = await _next(transaction, task.workspace_id)
        now = datetime.now(UTC).replace(tzinfo=None)
        task.title, task.version, task.updated_at = patch.title, seq, now
        await transaction.save(task)
        await transaction.save(Event(task_id=task.id, seq=seq, at=now, changes=patch.model_dump()))
        return task

    return await _in_transaction(update)


async def _find(place: AIOEngine | AIOTransaction, task_id: str) -> Task:
    task = await place.find_one(Task, Task.id == task_id)
    if task is None:
        raise HTTPException(404)
    return task
