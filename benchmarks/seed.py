"""A workspace with many tasks, written straight into the database: what comes after is measured."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.database.engine import Database
from app.core.log import Head
from app.models.projects import Project
from app.models.statuses import Category, Status
from app.models.tasks import Priority, Task
from app.schemas.workspaces import WorkspaceCreate
from app.services.bootstrap import Services
from app.services.workspaces import create_workspace
from app.utils import ranks
from app.utils.ids import new_id

PROJECTS = 50
LOGINS = 16
DESCRIPTION = "Steps to reproduce: open the dialog with the keyboard, then press Escape. " * 9
Texts = Sequence[tuple[str, str]]
"""Titles with their descriptions."""
MADE_UP: Texts = [("Keyboard focus is lost in dialog", DESCRIPTION)]


@dataclass
class Seed:
    workspace_id: str
    slug: str
    tokens: list[str]
    """Logins of the owner."""
    task_ids: list[str]
    project_ids: list[str]


async def seed(services: Services, tasks: int, texts: Texts = MADE_UP) -> Seed:
    """An empty database filled with 50 projects and `tasks` tasks of about 1 KB, whose texts take turns."""
    database: Database = services.database
    await database.client.drop_database(database.name)
    await services.prepare()
    user = await services.users.create("bench@fluid.example", "Justin Obara", "correct horse battery")
    opened = [await services.sessions.open(user.id, remember_me=True, client="bench") for _ in range(LOGINS)]
    account = services.access.account_of(user, {})
    workspace = (await create_workspace(account, WorkspaceCreate(slug="bench", name="Bench"))).value
    project_ids = await _projects(database, workspace.id, tasks // PROJECTS)
    task_ids: list[str] = []
    for project_number, project_id in enumerate(project_ids):
        docs = list(_tasks(workspace.id, project_id, project_number, tasks // PROJECTS, texts))
        task_ids += [doc["_id"] for doc in docs]
        await database.collection(Task).insert_many(docs, ordered=False)
    await database.collection(Head).update_one(
        {"_id": workspace.id}, {"$set": {"seq": 1}, "$inc": {"writes": 1}}
    )
    return Seed(workspace.id, "bench", [one.access_token for one in opened], task_ids, project_ids)


async def _projects(database: Database, workspace_id: str, count: int) -> list[str]:
    now = services_now()
    stamp = {"workspace_id": workspace_id, "version": 1, "created_at": now, "updated_at": now}
    ids = [new_id() for _ in range(PROJECTS)]
    places = ranks.spread(count)
    statuses = [
        {"_id": f"{id_[:-1]}f", "project_id": id_, "name": "Todo", "category": "todo", "rank": "a0", **stamp}
        for id_ in ids
    ]
    projects = [
        {
            "_id": id_,
            "key": f"P{n:03}",
            "name": f"Project {n}",
            "description": "",
            "lead_id": None,
            "visibility": "workspace",
            "default_status_id": f"{id_[:-1]}f",
            "archived_at": None,
            "last_task_number": count,
            "last_rank": places[-1],
            **stamp,
        }
        for n, id_ in enumerate(ids)
    ]
    await database.collection(Project).insert_many(projects)
    await database.collection(Status).insert_many(statuses)
    return ids


def services_now() -> Any:
    from app.core.clock import system_now

    return system_now()


def _tasks(
    workspace_id: str, project_id: str, project_number: int, count: int, texts: Texts
) -> Iterator[dict[str, Any]]:
    now = services_now()
    chance = random.Random(project_number)
    for number, rank in enumerate(ranks.spread(count), 1):
        key = f"P{project_number:03}-{number}"
        title, description = texts[(project_number * count + number) % len(texts)]
        fields: dict[str, Any] = {
            "priority": chance.choice(list(Priority)).value,
            "due_date": chance.choice([None, f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"]),
        }
        doc = {
            "_id": new_id(),
            "workspace_id": workspace_id,
            "project_id": project_id,
            "key": key,
            "former_keys": [],
            "title": f"{title} {number}",
            "description": description,
            "type": "bug",
            "status_id": f"{project_id[:-1]}f",
            "category": Category.TODO.value,
            "label_ids": [],
            "assignee_ids": [],
            "reporter_id": None,
            "parent_id": None,
            "estimate": None,
            "start_date": None,
            "rank": rank,
            "completed_at": None,
            "canceled_at": None,
            "archived_at": None,
            "trashed_at": None,
            "external": None,
            "version": 1,
            "created_at": now,
            "updated_at": now,
            **fields,
        }
        yield {**doc, **Task.derive(doc)}
