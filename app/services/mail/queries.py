"""All access to the mails' collection."""

from datetime import datetime

from pymongo import ReturnDocument

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.mails import Mail, MailState


async def insert(database: Database, mail: Mail) -> None:
    await database.engine.insert(mail)


async def take(database: Database, now: datetime, until: datetime) -> Doc | None:
    """One mail that is due, kept from all others until then."""
    return await database.collection(Mail).find_one_and_update(
        {"state": MailState.QUEUED.value, "due_at": {"$lte": now}},
        {"$set": {"due_at": until}, "$inc": {"attempts": 1}},
        sort=[("due_at", 1)],
        return_document=ReturnDocument.AFTER,
    )


async def put_off(database: Database, mail_id: str, due_at: datetime, error: str) -> None:
    await _update(database, mail_id, {"due_at": due_at, "error": error})


async def give_up(database: Database, mail_id: str, error: str) -> None:
    await _update(database, mail_id, {"state": MailState.FAILED.value, "error": error})


async def delete(database: Database, mail_id: str) -> None:
    await database.collection(Mail).delete_one({"_id": mail_id})


async def delete_of_user(database: Database, user_id: str) -> None:
    await database.collection(Mail).delete_many({"user_id": user_id})


async def _update(database: Database, mail_id: str, changes: Doc) -> None:
    await database.collection(Mail).update_one({"_id": mail_id}, {"$set": changes})
