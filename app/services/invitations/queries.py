"""All access to the invitations' collections."""

from collections.abc import Sequence
from datetime import datetime

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.invitations import Invitation, InvitationSecret
from app.models.memberships import Membership
from app.models.workspaces import Workspace
from app.services.access import Order, Page, PageRequest, Scope

BY_TIME = Order("created_at", descending=True)


async def get(scope: Scope, invitation_id: str) -> Doc | None:
    return await scope.collection(Invitation).find_one({"_id": invitation_id})


async def page(scope: Scope, request: PageRequest) -> Page:
    """The invitations of a workspace, the newest first."""
    return await scope.collection(Invitation).page({}, BY_TIME, request, hint="invitations_by_time")


async def of_member(work: Work, membership_id: str) -> list[Invitation]:
    """Those that a member made, or that name a placeholder."""
    return await work.find(
        Invitation, {"$or": [{"invited_by": membership_id}, {"membership_id": membership_id}]}
    )


async def invitation(database: Database, invitation_id: str) -> Invitation | None:
    return await database.engine.find_one(Invitation, {"_id": invitation_id})


async def membership(database: Database, membership_id: str) -> Doc | None:
    return await database.collection(Membership).find_one({"_id": membership_id})


async def workspace(database: Database, workspace_id: str) -> Doc | None:
    return await database.collection(Workspace).find_one({"_id": workspace_id})


async def put_secret(database: Database, secret: InvitationSecret) -> None:
    """Keep the one secret of an invitation, in the place of a former one."""
    doc = secret.model_dump_doc()
    await database.collection(InvitationSecret).replace_one({"_id": secret.id}, doc, upsert=True)


async def secret_of(scope: Scope, invitation_id: str) -> InvitationSecret | None:
    query: Doc = {"_id": invitation_id, "workspace_id": scope.workspace_id}
    return await scope.database.engine.find_one(InvitationSecret, query)


async def secret_by(database: Database, token_hash: str, now: datetime) -> InvitationSecret | None:
    living: Doc = {"token_hash": token_hash, "expires_at": {"$gt": now}}
    return await database.engine.find_one(InvitationSecret, living)


async def addresses(scope: Scope, invitation_ids: Sequence[str]) -> dict[str, str | None]:
    """The addresses that are still kept, by the invitations that were mailed to them."""
    query: Doc = {"_id": {"$in": list(invitation_ids)}, "workspace_id": scope.workspace_id}
    found = scope.database.collection(InvitationSecret).find(query, {"email": 1})
    return {doc["_id"]: doc["email"] for doc in await found.to_list()}


async def forget(database: Database, email: str) -> None:
    await database.collection(InvitationSecret).delete_many({"email": email})
