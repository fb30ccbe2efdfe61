"""All access to the collections of identities and of logins under way."""

from datetime import datetime
from typing import Any

from pymongo.errors import DuplicateKeyError

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.identities import Identity, IdentityRequest


async def insert(database: Database, identity: Identity) -> bool:
    """Keep a new identity; false where the person has one already."""
    try:
        await database.engine.insert(identity)
    except DuplicateKeyError:
        return False
    return True


async def find(database: Database, issuer: str, subject: str) -> Identity | None:
    return await database.engine.find_one(Identity, {"issuer": issuer, "subject": subject})


async def of_user(database: Database, user_id: str) -> list[Identity]:
    return await database.engine.find(Identity, {"user_id": user_id}, sort=Identity.created_at)


async def used(database: Database, identity_id: str, changes: dict[str, Any]) -> None:
    await database.collection(Identity).update_one({"_id": identity_id}, {"$set": changes})


async def delete(database: Database, identity_id: str) -> None:
    await database.collection(Identity).delete_one({"_id": identity_id})


async def delete_of_user(database: Database, user_id: str) -> None:
    await database.collection(Identity).delete_many({"user_id": user_id})


async def insert_request(database: Database, request: IdentityRequest) -> None:
    await database.engine.insert(request)


async def take_request(database: Database, query: Doc, now: datetime) -> IdentityRequest | None:
    """The request that fits, once: whoever comes a second time finds none."""
    found = await database.collection(IdentityRequest).find_one_and_delete(
        {**query, "expires_at": {"$gt": now}}
    )
    return None if found is None else IdentityRequest.model_validate_doc(found)
