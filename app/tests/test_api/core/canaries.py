"""What no answer may hold: the secrets that are kept, and what is another workspace's."""

import re
from typing import Any

from odmantic import Model

from app.core.documents import Doc
from app.core.jobs import Job
from app.models import DOCUMENTS
from app.models.audit import AuditEntry, AuditHead
from app.models.confirmations import Confirmation
from app.models.factors import FactorSet, LoginChallenge
from app.models.identities import IdentityRequest
from app.models.invitations import InvitationSecret
from app.models.limits import Bucket
from app.models.links import Link, LinkPassword, Visit
from app.models.memberships import Membership
from app.models.passkeys import Passkey, PasskeyChallenge
from app.models.sessions import Session, SpentToken
from app.models.tokens import ApiToken
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.test_api.core.world import World

SECRETS: dict[type[Model], tuple[str, ...]] = {
    ApiToken: ("token_hash",),
    Confirmation: ("token_hash",),
    FactorSet: ("pending_totp", "recovery_hashes", "totp"),
    IdentityRequest: ("id", "browser_hash"),
    InvitationSecret: ("token_hash",),
    LinkPassword: ("password_hash",),
    LoginChallenge: ("id", "password_digest"),
    Job: ("sealed",),
    Passkey: ("public_key",),
    PasskeyChallenge: ("id",),
    Session: ("access_hash", "previous_access_hash", "previous_refresh_hash", "refresh_hash"),
    SpentToken: ("id",),
    User: ("password_hash",),
    Visit: ("token_hash",),
}
SHOWN: dict[type[Model], tuple[str, ...]] = {
    AuditEntry: ("hash", "previous_hash"),
    AuditHead: ("floor_hash", "hash"),
    Bucket: ("tokens",),
    FactorSet: ("totp_since", "totp_step"),
    Link: ("has_password",),
}
"""Whose names sound like it: the audit log's chain is there to be seen, numbers and times tell nothing."""
SOUNDS_SECRET = re.compile(r"hash|digest|secret|sealed|password|token|totp|public_key|private|recovery")
PLANTED = "canary of the other workspace"


def sounding() -> dict[type[Model], list[str]]:
    """The fields of all models that are named like a secret."""
    named = {model: sorted(filter(SOUNDS_SECRET.search, model.__odm_fields__)) for model in DOCUMENTS}
    return {model: names for model, names in named.items() if names}


async def plant(world: World) -> None:
    """Texts of every kind, in a workspace that nobody else may see."""
    project = await world.made("/projects", {"key": "CANARY", "name": f"Project, {PLANTED}"})
    words = {"project_id": project, "title": f"Task, {PLANTED}", "description": f"Text, {PLANTED}"}
    task = await world.made("/tasks", words)
    await world.made(f"/tasks/{task}/comments", {"body": f"Comment, {PLANTED}"})
    await world.made("/labels", {"name": f"Label, {PLANTED}"})
    await world.made("/teams", {"name": f"Team, {PLANTED}"})
    await world.made("/memberships", {"display_name": f"Person, {PLANTED}"})
    await world.services.audit_follower.follow(world.workspace.id)


async def belongings(world: World) -> set[str]:
    """All ids and texts that tell of a workspace, and the addresses of its accounts."""
    found = {PLANTED}
    for model in DOCUMENTS:
        if "workspace_id" in model.__odm_fields__:
            docs = world.services.database.collection(model).find({"workspace_id": world.workspace.id})
            found |= {str(one["_id"]) for one in await docs.to_list()}
    return found | {user.email for user in world.workspace.users.values()}


async def kept_secrets(*worlds: World) -> set[str]:
    """The secrets of all accounts in these workspaces, as the database has them."""
    services = worlds[0].services
    user_ids = [user.id for world in worlds for user in world.workspace.users.values()]
    in_them = {"workspace_id": {"$in": [world.workspace.id for world in worlds]}, "user_id": {"$ne": None}}
    members = await services.database.collection(Membership).find(in_them, {"user_id": 1}).to_list()
    return {
        secret
        for model, names in SECRETS.items()
        for doc in await _of_accounts(services, model, [*user_ids, *(one["user_id"] for one in members)])
        for name in names
        for secret in _texts(doc.get("_id" if name == "id" else name))
    }


async def _of_accounts(services: Services, model: type[Model], user_ids: list[str]) -> list[Doc]:
    if model is SpentToken:
        sessions = await _of_accounts(services, Session, user_ids)
        query: Doc = {"session_id": {"$in": [one["_id"] for one in sessions]}}
    elif model in (InvitationSecret, LinkPassword, Visit):  # they name no account
        query = {}
    else:
        field = "user_id" if "user_id" in model.__odm_fields__ else "_id"
        query = {field: {"$in": [*user_ids, None]}}
    return await services.database.collection(model).find(query).sort("_id", -1).limit(500).to_list()


def _texts(value: Any) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list) else [value]) if one]
