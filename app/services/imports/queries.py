"""All access to the collection of imports, and what an import looks up in those that it fills.

The documents of runs are written here directly: they are not part of the log (docs/decisions/0010).
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from pymongo.errors import DuplicateKeyError, PyMongoError

from app.core.database.engine import Database
from app.core.documents import Doc, stored
from app.core.unit_of_work import Work
from app.models.imports import ImportRun, ImportState
from app.models.labels import Label
from app.models.memberships import Membership
from app.models.projects import Project
from app.models.statuses import Status
from app.models.tasks import Task
from app.models.workspaces import Workspace
from app.services.access import Order, Page, PageRequest, Scope

BY_START = Order("started_at", descending=True)
_MANY = 1_000
_NAMED: Doc = {"display_name": 1, "merged_into_id": 1}


async def insert(database: Database, run: ImportRun) -> bool:
    """Keep a new run; false where the request that asks for it has one already."""
    try:
        await database.collection(ImportRun).insert_one(stored(run))
    except DuplicateKeyError:
        return False
    return True


async def try_update(database: Database, run_id: str, changes: Doc) -> None:
    """Write a run's progress, unless the database is away: the next write tells it all again.

    What has ended stays ended: a sign of life may be overtaken by the end.
    """
    with contextlib.suppress(PyMongoError):
        await database.collection(ImportRun).update_one(
            {"_id": run_id, "state": ImportState.RUNNING.value}, {"$set": changes}
        )


async def get(scope: Scope, run_id: str) -> Doc | None:
    return await scope.collection(ImportRun).find_one({"_id": run_id})


async def by_request(scope: Scope, request_key: str) -> Doc | None:
    return await scope.collection(ImportRun).find_one({"request_key": request_key})


async def page(scope: Scope, request: PageRequest) -> Page:
    """The runs of a workspace, the latest first."""
    return await scope.collection(ImportRun).page({}, BY_START, request, hint="imports_by_start")


async def founded_at(scope: Scope) -> datetime | None:
    """When the workspace was made, or None where it is still to be made."""
    doc = await scope.collection(Workspace).find_one({"_id": scope.workspace_id}, {"created_at": 1})
    return None if doc is None else doc["created_at"]


async def try_membership(scope: Scope) -> Doc | None:
    """The membership in whose name the import runs, as it is now; None where that cannot be read."""
    with contextlib.suppress(PyMongoError):
        return await scope.collection(Membership).find_one({"_id": scope.standing.membership_id})
    return None


async def known_tasks(scope: Scope, keys: Sequence[str]) -> dict[str, Doc]:
    """By key: those of the tasks that are here, under this key or a former one."""
    found = await scope.collection(Task).find(
        {"keys": {"$in": list(keys)}}, projection={"keys": 1, "external.source": 1, "external.key": 1}
    )
    return {key: doc for doc in found for key in doc["keys"]}


async def placeholders(scope: Scope, names: Iterable[str]) -> list[Doc]:
    """The members without an account who have one of the names, the oldest first."""
    found: list[Doc] = []
    for some in _slices(names):
        query: Doc = {"display_name": {"$in": some}, "user_id": None}
        found += await scope.collection(Membership).find(query, projection=_NAMED)
    return sorted(found, key=lambda doc: str(doc["_id"]))


async def labels(scope: Scope, folded: Iterable[str]) -> list[Doc]:
    found: list[Doc] = []
    for some in _slices(folded):
        found += await scope.collection(Label).find({"folded": {"$in": some}}, projection={"folded": 1})
    return found


async def projects(scope: Scope, keys: Iterable[str]) -> list[Doc]:
    found: list[Doc] = []
    for some in _slices(keys):
        found += await scope.collection(Project).find({"key": {"$in": some}}, projection={"key": 1})
    return found


async def statuses(scope: Scope, project_ids: Sequence[str]) -> list[Doc]:
    return await scope.collection(Status).find({"project_id": {"$in": list(project_ids)}})


async def labels_named(work: Work, folded: Sequence[str]) -> list[Label]:
    return await work.find(Label, {"folded": {"$in": list(folded)}})


async def project_with_key(work: Work, key: str) -> Project | None:
    found = await work.find(Project, {"key": key}, limit=1)
    return found[0] if found else None


async def statuses_of(work: Work, project_id: str) -> list[Status]:
    """A project's statuses in the order of its board."""
    return await work.find(Status, {"project_id": project_id}, [("rank", 1), ("_id", 1)])


def _slices(items: Iterable[str]) -> Iterator[list[str]]:
    """Lists short enough for one query."""
    all_items = list(items)
    for start in range(0, len(all_items), _MANY):
        yield all_items[start : start + _MANY]
