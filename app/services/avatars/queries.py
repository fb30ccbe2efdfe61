"""All access to the avatars' collection."""

from app.core.database.engine import Database
from app.models.avatars import Avatar


async def put(database: Database, avatar: Avatar) -> None:
    doc = avatar.model_dump_doc()
    await database.collection(Avatar).replace_one({"_id": doc["_id"]}, doc, upsert=True)


async def find(database: Database, user_id: str) -> Avatar | None:
    return await database.engine.find_one(Avatar, {"_id": user_id})


async def delete(database: Database, user_id: str) -> None:
    await database.collection(Avatar).delete_one({"_id": user_id})
