"""All access to the sessions' collection but the look-up of a request, which is access's."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from app.core.database.engine import Database
from app.models.sessions import Session, SpentToken
from app.services.access.rules import MULTI_FACTOR


async def insert(database: Database, session: Session) -> None:
    await database.engine.insert(session)


async def find_by_refresh(database: Database, refresh_hash: str, now: datetime) -> Session | None:
    """The living session whose present or former refresh token this is."""
    either = [{"refresh_hash": refresh_hash}, {"previous_refresh_hash": refresh_hash}]
    return await database.engine.find_one(Session, {"$or": either, "expires_at": {"$gt": now}})


async def rotate(database: Database, session: Session, changes: dict[str, Any]) -> bool:
    """Replace the tokens if its refresh token is still the present one; false where it is not."""
    guard = {"_id": session.id, "refresh_hash": session.refresh_hash}
    result = await database.collection(Session).update_one(guard, {"$set": changes})
    return result.matched_count == 1


async def keep_spent(database: Database, token: SpentToken) -> None:
    """Remember a token that is about to be forgotten by its session; known ones stay as they are."""
    with contextlib.suppress(DuplicateKeyError):
        await database.engine.insert(token)


async def find_spent(database: Database, refresh_hash: str) -> SpentToken | None:
    return await database.engine.find_one(SpentToken, {"_id": refresh_hash})


async def find_of_user(database: Database, user_id: str, now: datetime) -> list[Session]:
    """The living logins of a user, the newest first."""
    query = {"user_id": user_id, "expires_at": {"$gt": now}}
    return await database.engine.find(Session, query, sort=Session.id.desc())  # type: ignore[attr-defined]


async def update(database: Database, session_id: str, changes: dict[str, Any]) -> None:
    await database.collection(Session).update_one({"_id": session_id}, {"$set": changes})


async def add_methods(database: Database, session_id: str, methods: Sequence[str]) -> None:
    changes = {"$addToSet": {"methods": {"$each": list(methods)}}}
    await database.collection(Session).update_one({"_id": session_id}, changes)


async def weaken(database: Database, session_id: str) -> None:
    await database.collection(Session).update_one({"_id": session_id}, {"$pull": {"methods": MULTI_FACTOR}})


async def find_by_tokens(database: Database, hashes: Sequence[str]) -> list[Session]:
    """The sessions that have or had these among their tokens, of whatever kind."""
    names = ("access_hash", "previous_access_hash", "refresh_hash", "previous_refresh_hash")
    shown = {"$in": list(hashes)}
    return await database.engine.find(Session, {"$or": [{name: shown} for name in names]})


async def note_uses(database: Database, uses: Mapping[str, tuple[datetime, str]]) -> None:
    """Write when and from where sessions were last seen; what another process saw later stands."""
    writes = [
        UpdateOne(
            {"_id": session_id, "last_seen_at": {"$not": {"$gte": at}}},
            {"$set": {"last_seen_at": at, "last_address": address}},
        )
        for session_id, (at, address) in uses.items()
    ]
    await database.collection(Session).bulk_write(writes, ordered=False)


async def delete(database: Database, session_id: str) -> str | None:
    """Gives the user whose session it was."""
    found = await database.collection(Session).find_one_and_delete({"_id": session_id}, {"user_id": 1})
    return None if found is None else found["user_id"]


async def delete_of_user(database: Database, user_id: str, *, keep: str | None = None) -> None:
    query: dict[str, Any] = {"user_id": user_id}
    if keep is not None:
        query["_id"] = {"$ne": keep}
    await database.collection(Session).delete_many(query)
