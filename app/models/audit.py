"""The audit log: entries in chains, each with the hash of the one before, and the heads of the chains."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from odmantic import Field, Model

from app.core.documents import index


class AuditKind(StrEnum):
    """What happened, as `resource.action`. What is done in a workspace has the name of its command."""

    ACCOUNT_ACTIVATE = "account.activate"
    ACCOUNT_CREATE = "account.create"
    ACCOUNT_DEACTIVATE = "account.deactivate"
    ACCOUNT_DELETE = "account.delete"
    AUDIT_EXPORT = "audit.export"
    BACKUP_CREATE = "backup.create"
    BACKUP_RESTORE = "backup.restore"
    EMAIL_CHANGE = "email.change"
    EXPORT_CREATE = "export.create"
    FACTOR_ADD = "factor.add"
    FACTOR_FAIL = "factor.fail"
    FACTOR_REMOVE = "factor.remove"
    FACTOR_USE = "factor.use"
    GRANT_CREATE = "grant.create"
    GRANT_DELETE = "grant.delete"
    GRANT_UPDATE = "grant.update"
    IDENTITY_LINK = "identity.link"
    IDENTITY_UNLINK = "identity.unlink"
    IMPORT_CREATE = "import.create"
    INVITATION_ACCEPT = "invitation.accept"
    INVITATION_CREATE = "invitation.create"
    INVITATION_DELETE = "invitation.delete"
    INVITATION_RESEND = "invitation.resend"
    INVITATION_UPDATE = "invitation.update"
    LINK_CREATE = "link.create"
    LINK_DELETE = "link.delete"
    LINK_FAIL = "link.fail"
    LINK_UPDATE = "link.update"
    LOGIN_CREATE = "login.create"
    LOGIN_DELETE = "login.delete"
    LOGIN_FAIL = "login.fail"
    LOGIN_REAUTHENTICATE = "login.reauthenticate"
    LOGIN_REUSE = "login.reuse"
    LOGIN_REVOKE = "login.revoke"
    LOG_SHORTEN = "log.shorten"
    MEMBERSHIP_CREATE = "membership.create"
    MEMBERSHIP_DELETE = "membership.delete"
    MEMBERSHIP_FOLLOW = "membership.follow"
    MEMBERSHIP_MERGE = "membership.merge"
    MEMBERSHIP_REMOVE = "membership.remove"
    MEMBERSHIP_UPDATE = "membership.update"
    PASSKEY_ADD = "passkey.add"
    PASSKEY_REMOVE = "passkey.remove"
    PASSWORD_CHANGE = "password.change"  # noqa: S105 - what happened to one
    PASSWORD_FAIL = "password.fail"  # noqa: S105
    PASSWORD_REQUEST = "password.request"  # noqa: S105
    PASSWORD_RESET = "password.reset"  # noqa: S105
    PROJECT_UPDATE = "project.update"
    RECOVERY_CODES_CREATE = "recovery_codes.create"
    ROLE_CREATE = "role.create"
    ROLE_DELETE = "role.delete"
    ROLE_UPDATE = "role.update"
    TEAM_ADD_MEMBER = "team.add_member"
    TEAM_CREATE = "team.create"
    TEAM_DELETE = "team.delete"
    TEAM_REMOVE_MEMBER = "team.remove_member"
    TEAM_UPDATE = "team.update"
    TOKEN_CREATE = "token.create"  # noqa: S105
    TOKEN_DELETE = "token.delete"  # noqa: S105
    WORKSPACE_CREATE = "workspace.create"
    WORKSPACE_DELETE = "workspace.delete"
    WORKSPACE_UPDATE = "workspace.update"


class AuditEntry(Model):
    """What happened once. Never changed; `hash` is over all the other members (services/audit/rules.py)."""

    id: str = Field(primary_field=True)
    chain: str
    """The workspace or account that it belongs to, or `server`."""
    n: int
    """Its number in the chain, from one and without gaps."""
    at: datetime
    kind: AuditKind
    actor: dict[str, Any]
    """Who did it, as events name actors."""
    user_id: str | None
    """The account that it is about."""
    workspace_ids: list[str]
    """Whose admins may see it: the workspace's, or those that the account was in then."""
    address: str | None
    client: str | None
    detail: dict[str, Any]
    seq: int | None
    """The number of the event in the workspace's log that it was copied from."""
    previous_hash: str
    hash: str

    model_config = {
        "collection": "audit",
        "indexes": lambda: [
            index("audit_by_chain", "chain", "n", unique=True),
            index(
                "audit_by_event",
                "chain",
                "seq",
                unique=True,
                partialFilterExpression={"seq": {"$type": "number"}},
            ),
            index("audit_by_workspace", "workspace_ids", "at", "_id"),
            index("audit_by_user", "user_id", "at", "_id"),
            index("audit_by_time", "at", "_id"),
            index(
                "audit_of_deleted",
                "at",
                partialFilterExpression={"kind": AuditKind.ACCOUNT_DELETE.value},
            ),
        ],
    }


class AuditHead(Model):
    """Where a chain ends and begins, so that it shows where somebody cut it off.

    Entries up to `floor` have been removed because of their age; the next one stands on `floor_hash`.
    `followed` is how far a workspace's log has been copied.
    """

    id: str = Field(primary_field=True)
    n: int = 0
    hash: str = ""
    floor: int = 0
    floor_hash: str = ""
    followed: int = 0

    model_config = {"collection": "audit_heads"}
