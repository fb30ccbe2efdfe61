"""All access to the confirmations' collection."""

from datetime import datetime

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.confirmations import Confirmation, Purpose


async def put(database: Database, purpose: Purpose, subject: str, new_id: str, fields: Doc) -> None:
    """Keep the one link of a purpose for a subject, in the place of a former one."""
    which = {"purpose": purpose.value, "subject": subject}
    changes = {"$set": fields, "$setOnInsert": {"_id": new_id}}
    await database.collection(Confirmation).update_one(which, changes, upsert=True)


async def find(database: Database, purpose: Purpose, token_hash: str, now: datetime) -> Confirmation | None:
    return await database.engine.find_one(Confirmation, _living(purpose, token_hash, now))


async def take(database: Database, purpose: Purpose, token_hash: str, now: datetime) -> Confirmation | None:
    """The link, which nobody else gets any more."""
    query = _living(purpose, token_hash, now)
    found = await database.collection(Confirmation).find_one_and_delete(query)
    return None if found is None else Confirmation.model_validate_doc(found)


async def delete_of_user(database: Database, user_id: str) -> None:
    await database.collection(Confirmation).delete_many({"user_id": user_id})


def _living(purpose: Purpose, token_hash: str, now: datetime) -> Doc:
    return {"purpose": purpose.value, "token_hash": token_hash, "expires_at": {"$gt": now}}
