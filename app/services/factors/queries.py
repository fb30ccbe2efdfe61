"""All access to the collections of second factors and of the logins that wait for one."""

from datetime import datetime
from typing import Any

from app.core.database.engine import Database
from app.models.factors import FactorSet, LoginChallenge


async def find(database: Database, user_id: str) -> FactorSet | None:
    return await database.engine.find_one(FactorSet, {"_id": user_id})


async def keep(database: Database, user_id: str, changes: dict[str, Any]) -> None:
    await database.collection(FactorSet).update_one({"_id": user_id}, {"$set": changes}, upsert=True)


async def activate(database: Database, user_id: str, sealed: str, changes: dict[str, Any]) -> bool:
    """Let a pending secret count; false where it is not pending any more."""
    guard = {"_id": user_id, "pending_totp": sealed}
    result = await database.collection(FactorSet).update_one(guard, {"$set": changes})
    return result.matched_count == 1


async def take_step(database: Database, user_id: str, sealed: str, step: int) -> bool:
    """Let the code of a time step count; false where it, or a later one, has counted already."""
    guard = {"_id": user_id, "totp": sealed, "totp_step": {"$lt": step}}
    result = await database.collection(FactorSet).update_one(guard, {"$set": {"totp_step": step}})
    return result.matched_count == 1


async def take_recovery_code(database: Database, user_id: str, digest: str) -> bool:
    """Use a recovery code up; false where it is none, or used."""
    guard = {"_id": user_id, "recovery_hashes": digest}
    result = await database.collection(FactorSet).update_one(guard, {"$pull": {"recovery_hashes": digest}})
    return result.modified_count == 1


async def delete(database: Database, user_id: str) -> None:
    await database.collection(FactorSet).delete_one({"_id": user_id})


async def insert_challenge(database: Database, challenge: LoginChallenge) -> None:
    await database.engine.insert(challenge)


async def find_challenge(database: Database, digest: str, now: datetime) -> LoginChallenge | None:
    """The challenge, unless it is dead."""
    return await database.engine.find_one(LoginChallenge, _living(digest, now))


async def take_attempt(database: Database, digest: str, now: datetime) -> bool:
    """Leave a challenge one attempt poorer; false where it is dead."""
    changes = {"$inc": {"attempts_left": -1}}
    result = await database.collection(LoginChallenge).update_one(_living(digest, now), changes)
    return result.matched_count == 1


def _living(digest: str, now: datetime) -> dict[str, Any]:
    return {"_id": digest, "expires_at": {"$gt": now}, "attempts_left": {"$gt": 0}}


async def take_challenge(database: Database, digest: str) -> bool:
    """Use a challenge up; false where another answer was faster."""
    result = await database.collection(LoginChallenge).delete_one({"_id": digest})
    return result.deleted_count == 1
