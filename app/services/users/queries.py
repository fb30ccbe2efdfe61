"""All access to the accounts' collection."""

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


async def any_exists(database: Database) -> bool:
    return await database.collection(User).find_one({}, {"_id": 1}) is not None


async def list_all(database: Database) -> list[User]:
    return await database.engine.find(User, sort=User.email)
