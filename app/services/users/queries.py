"""All access to the accounts' collection."""

from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.core.database.engine import Database
from app.models.users import User


async def insert(database: Database, user: User) -> bool:
    """Keep a new account; false where its address is taken."""
    try:
        await database.engine.insert(user)
    except DuplicateKeyError:
        return False
    return True


async def find(database: Database, user_id: str) -> User | None:
    return await database.engine.find_one(User, {"_id": user_id})


async def find_by_email(database: Database, email: str) -> User | None:
    return await database.engine.find_one(User, {"email": email})


async def update(database: Database, user_id: str, changes: dict[str, Any]) -> None:
    await database.collection(User).update_one({"_id": user_id}, {"$set": changes})


async def change_email(database: Database, user_id: str, email: str, now: datetime) -> User | None:
    """The account as it was before; None where it is not active, or another one has the address."""
    changes = {"$set": {"email": email, "updated_at": now}}
    try:
        found = await database.collection(User).find_one_and_update({"_id": user_id, "active": True}, changes)
    except DuplicateKeyError:
        return None
    return None if found is None else User.model_validate_doc(found)


async def note_erased(database: Database, user_id: str, membership_id: str) -> None:
    changes = {"$addToSet": {"erased_memberships": membership_id}}
    await database.collection(User).update_one({"_id": user_id}, changes)


async def take_note_back(database: Database, user_id: str, membership_id: str) -> None:
    changes = {"$pull": {"erased_memberships": membership_id}}
    await database.collection(User).update_one({"_id": user_id}, changes)


async def being_deleted(database: Database) -> list[User]:
    return await database.engine.find(User, {"deleting_since": {"$type": "date"}})


async def delete(database: Database, user_id: str) -> None:
    await database.collection(User).delete_one({"_id": user_id})


async def any_exists(database: Database) -> bool:
    return await database.collection(User).find_one({}, {"_id": 1}) is not None


async def list_all(database: Database) -> list[User]:
    return await database.engine.find(User, sort=User.email)
