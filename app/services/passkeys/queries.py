"""All access to the passkeys' collections."""

from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.core.database.engine import Database
from app.models.passkeys import Passkey, PasskeyChallenge


async def insert(database: Database, passkey: Passkey) -> bool:
    """Keep a new passkey; false where its credential is registered already."""
    try:
        await database.engine.insert(passkey)
    except DuplicateKeyError:
        return False
    return True


async def find(database: Database, user_id: str, passkey_id: str) -> Passkey | None:
    return await database.engine.find_one(Passkey, {"_id": passkey_id, "user_id": user_id})


async def find_by_credential(database: Database, credential_id: str) -> Passkey | None:
    return await database.engine.find_one(Passkey, {"credential_id": credential_id})


async def list_of_user(database: Database, user_id: str) -> list[Passkey]:
    return await database.engine.find(Passkey, {"user_id": user_id}, sort=Passkey.id)


async def any_of_user(database: Database, user_id: str) -> bool:
    return await database.collection(Passkey).find_one({"user_id": user_id}, {"_id": 1}) is not None


async def update(database: Database, user_id: str, passkey_id: str, changes: dict[str, Any]) -> None:
    guard = {"_id": passkey_id, "user_id": user_id}
    await database.collection(Passkey).update_one(guard, {"$set": changes})


async def count_use(database: Database, passkey: Passkey, sign_count: int, now: datetime) -> bool:
    """Note a use; false where another one has moved the counter meanwhile."""
    guard = {"_id": passkey.id, "sign_count": passkey.sign_count}
    changes = {"sign_count": sign_count, "last_used_at": now}
    result = await database.collection(Passkey).update_one(guard, {"$set": changes})
    return result.matched_count == 1


async def delete(database: Database, user_id: str, passkey_id: str) -> bool:
    result = await database.collection(Passkey).delete_one({"_id": passkey_id, "user_id": user_id})
    return result.deleted_count == 1


async def delete_of_user(database: Database, user_id: str) -> None:
    await database.collection(Passkey).delete_many({"user_id": user_id})


async def insert_challenge(database: Database, challenge: PasskeyChallenge) -> None:
    await database.engine.insert(challenge)


async def take_challenge(database: Database, digest: str, user_id: str | None, now: datetime) -> bool:
    """Use a living challenge up; false where there is none, or it was for something else."""
    guard = {"_id": digest, "user_id": user_id, "expires_at": {"$gt": now}}
    result = await database.collection(PasskeyChallenge).delete_one(guard)
    return result.deleted_count == 1
