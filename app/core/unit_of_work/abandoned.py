"""Ends the transactions of processes that were killed.

The server keeps the transaction of a client that is gone, with its locks, for a minute or more
(`transactionLifetimeLimitSeconds`), and for so long nobody could write to the workspace.
"""

from pymongo.errors import PyMongoError

from app.core.database.engine import APP_NAME, Database
from app.core.logging import get_logger

logger = get_logger(__name__)

IDLE_SECONDS = 1.0
"""A transaction at work never rests so long. One that did all the same is rolled back and run again."""


async def end_abandoned(database: Database) -> None:
    """End what has an idle transaction here. It needs no privilege: one user's sessions are one's own."""
    abandoned = {
        "type": "idleSession",
        "appName": APP_NAME,
        "transaction.timeInactiveMicros": {"$gte": int(IDLE_SECONDS * 1e6)},
    }
    admin = database.client.admin
    try:
        everything = {"$currentOp": {"allUsers": False, "idleSessions": True}}
        found = await (await admin.aggregate([everything, {"$match": abandoned}])).to_list()
        if found:
            await admin.command("killSessions", [{"id": one["lsid"]["id"]} for one in found])
            logger.warning("ended transactions that a process left behind", count=len(found))
    except PyMongoError as exc:
        # A server that cannot do this ends them by itself, later.
        logger.warning("cannot look for abandoned transactions", error=type(exc).__name__)
