"""What a database server says of itself."""

from datetime import UTC, datetime
from typing import Any

from pymongo.errors import OperationFailure

from app.core.database.engine import Database
from app.core.documents import Doc

_UNANSWERED = frozenset({13, 59, 76, 115})
"""Not authorized, no such command, no replica set, not supported."""


async def hello(database: Database) -> Doc:
    """Its name, its replica set, and its clock in `localTime`."""
    answer = dict(await database.client.admin.command("hello"))
    answer["localTime"] = answer["localTime"].replace(tzinfo=UTC)  # answers to commands do not say so
    return answer


async def version(database: Database) -> tuple[str, str | None]:
    """The version that it answers as, and which one of SecantusDB it really is, if it is one."""
    build: dict[str, Any] = await database.client.admin.command("buildInfo")
    return str(build["version"]), build.get("secantusVersion")


async def sizes(database: Database) -> Doc:
    """How much is stored, and how full its disk is."""
    return dict(await database.client[database.name].command("dbStats"))


async def resident_mebibytes(database: Database) -> float | None:
    """Its memory, None where it does not tell."""
    status = await _asked(database, {"serverStatus": 1, "mem": 1})
    found: float | None = status.get("mem", {}).get("resident")
    return found


async def members(database: Database) -> list[Doc]:
    """The members of the replica set with `name`, `stateStr`, `health` and `optimeDate`.

    None where the account of the database may not ask; MongoDB's role `clusterMonitor` may.
    """
    found: list[Doc] = (await _asked(database, {"replSetGetStatus": 1})).get("members", [])
    return found


async def privileges(database: Database) -> list[Doc] | None:
    """What the account of the database may, None where the server asks for no account."""
    status = (await _asked(database, {"connectionStatus": 1, "showPrivileges": True})).get("authInfo", {})
    if not status.get("authenticatedUsers"):
        return None
    found: list[Doc] = status["authenticatedUserPrivileges"]
    return found


async def index_names(database: Database, collection: str) -> set[str]:
    """The indexes that a collection has; none where there is no such collection."""
    try:
        return {doc["name"] async for doc in await database.raw(collection).list_indexes()}
    except OperationFailure:
        return set()


async def oplog_since(database: Database) -> datetime | None:
    """When the oldest write was that the server's members can still repeat; None where it does not tell."""
    oplog = database.client["local"]["oplog.rs"]
    try:
        first = await oplog.find_one({}, {"wall": 1}, sort=[("$natural", 1)])
    except OperationFailure:
        return None
    found: datetime | None = None if first is None else first.get("wall")
    return found


async def _asked(database: Database, command: Doc) -> Doc:
    try:
        return dict(await database.client.admin.command(command))
    except OperationFailure as error:
        if error.code not in _UNANSWERED:
            raise
        return {}
