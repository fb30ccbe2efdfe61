"""All access to the tokens' collection but the look-up of a request, which is access's."""

from collections.abc import Mapping
from datetime import datetime

from pymongo import UpdateOne

from app.core.database.engine import Database
from app.core.documents import Doc
from app.models.memberships import Membership, MembershipType
from app.models.tokens import ApiToken
from app.services.access import Scope
from app.services.access.rules import MULTI_FACTOR


async def insert(database: Database, token: ApiToken) -> None:
    await database.engine.insert(token)


async def find_of(database: Database, owner: Doc, now: datetime) -> list[ApiToken]:
    """The living tokens of an account or service account, the newest first."""
    living = {"$or": [{"expires_at": None}, {"expires_at": {"$gt": now}}]}
    return await database.engine.find(ApiToken, {**owner, **living}, sort=ApiToken.id.desc())  # type: ignore[attr-defined]


async def delete(database: Database, owner: Doc, token_id: str) -> bool:
    result = await database.collection(ApiToken).delete_one({**owner, "_id": token_id})
    return result.deleted_count == 1


async def delete_of(database: Database, owner: Doc) -> None:
    await database.collection(ApiToken).delete_many(owner)


async def weaken(database: Database, user_id: str) -> None:
    """Take from an account's tokens that they were made with a second factor."""
    await database.collection(ApiToken).update_many(
        {"user_id": user_id}, {"$pull": {"methods": MULTI_FACTOR}}
    )


async def note_uses(database: Database, uses: Mapping[str, tuple[datetime, str]]) -> None:
    """Write when and from where tokens were last used; what another process saw later stands."""
    writes = [
        UpdateOne(
            {"_id": token_id, "last_used_at": {"$not": {"$gte": at}}},
            {"$set": {"last_used_at": at, "last_address": address}},
        )
        for token_id, (at, address) in uses.items()
    ]
    await database.collection(ApiToken).bulk_write(writes, ordered=False)


async def forget_addresses(database: Database, before: datetime) -> None:
    """Of uses that are older than this, and have not been followed by others."""
    old = {"last_used_at": {"$lt": before}, "last_address": {"$type": "string"}}
    await database.collection(ApiToken).update_many(old, {"$set": {"last_address": None}})


async def service_account(scope: Scope, membership_id: str) -> Doc | None:
    """A present service account of the workspace."""
    wanted = {"_id": membership_id, "type": MembershipType.SERVICE.value, "removed_at": None}
    return await scope.collection(Membership).find_one(wanted)
