"""The registry of documents: what the log knows by kind, and what needs indexes."""

from collections.abc import Mapping, Sequence

from odmantic import Model

from app.core.documents import Entity
from app.core.jobs import Job
from app.core.log import Event, Head, Mutation
from app.models.audit import AuditEntry, AuditHead
from app.models.avatars import Avatar
from app.models.comments import Comment
from app.models.confirmations import Confirmation
from app.models.factors import FactorSet, LoginChallenge
from app.models.grants import Grant
from app.models.identities import Identity, IdentityRequest
from app.models.imports import ImportRun
from app.models.invitations import Invitation, InvitationSecret
from app.models.labels import Label
from app.models.limits import Bucket
from app.models.links import Link, LinkPassword, Visit
from app.models.memberships import Membership
from app.models.passkeys import Passkey, PasskeyChallenge
from app.models.presences import Presence
from app.models.projects import Project
from app.models.roles import CustomRole
from app.models.sessions import Session, SpentToken
from app.models.statuses import Status
from app.models.tasks import Task
from app.models.teams import Team
from app.models.tickets import Ticket
from app.models.tokens import ApiToken
from app.models.tombstones import Tombstone
from app.models.users import User
from app.models.workspaces import Workspace

ENTITIES: Mapping[str, type[Entity]] = {
    model.KIND: model
    for model in (
        Comment,
        CustomRole,
        Grant,
        Invitation,
        Label,
        Link,
        Membership,
        Project,
        Status,
        Task,
        Team,
        Workspace,
    )
}
DOCUMENTS: Sequence[type[Model]] = (
    *ENTITIES.values(),
    ApiToken,
    Avatar,
    Confirmation,
    AuditEntry,
    AuditHead,
    Bucket,
    Event,
    FactorSet,
    Head,
    Identity,
    IdentityRequest,
    ImportRun,
    InvitationSecret,
    Job,
    LinkPassword,
    LoginChallenge,
    Mutation,
    Passkey,
    PasskeyChallenge,
    Presence,
    Session,
    SpentToken,
    Ticket,
    Tombstone,
    User,
    Visit,
)
