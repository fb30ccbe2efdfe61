"""All access to the sessions' collection but the look-up of a request, which is access's."""

from datetime import datetime
from typing import Any

from app.core.database.engine import Database
from app.models.sessions import Session


async def insert(database: Database, session: Session) -> None:
    await database.engine.insert(session)


async def find_by_refresh(database: Database, refresh_hash: str, now: datetime) -> Session | None:
    """The living session whose present or former refresh token this is."""
    either = [{"refresh_hash": refresh_hash}, {"previous_refresh_hash": refresh_hash}]
    return await database.engine.find_one(Session, {"$or": either, "expires_at": {"$gt": now}})


async def rotate(database: Database, session_id: str, refresh_hash: str, changes: dict[str, Any]) -> bool:
    """Replace the tokens if this refresh token is still the present one; false where it is not."""
    guard = {"_id": session_id, "refresh_hash": refresh_hash}
    result = await database.collection(Session).update_one(guard, {"$set": changes})
    return result.matched_count == 1


async def delete(database: Database, session_id: str) -> None:
    await database.collection(Session).delete_one({"_id": session_id})


async def delete_of_user(database: Database, user_id: str, *, keep: str | None = None) -> None:
    query: dict[str, Any] = {"user_id": user_id}
    if keep is not None:
        query["_id"] = {"$ne": keep}
    await database.collection(Session).delete_many(query)
