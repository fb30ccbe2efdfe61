"""What a principal has in a workspace, as it was read at most a second ago."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.documents import Doc, Entity
from app.core.errors import ErrorCode, PastisError
from app.models.links import VISIT_PREFIX, LinkRole
from app.models.memberships import Membership, Role
from app.models.permissions import OF_PROJECTS, Permission
from app.models.projects import Visibility
from app.models.tokens import TokenKind
from app.services.access.rules import (
    ADMINS,
    NAMED,
    NONE,
    OF_LINK,
    Holder,
    Permissions,
    Roles,
    is_multi_factor,
    project_sources,
    united,
    within,
    workspace_source,
)


class PrincipalKind(StrEnum):
    """Who is behind a request: an account's login, its API token, a service account's, or a link's visit."""

    LINK = "link"
    SERVICE = "service"
    TOKEN = "token"  # noqa: S105 - a kind
    USER = "user"


_PREFIXES = {
    TokenKind.PERSONAL.prefix: PrincipalKind.TOKEN,
    TokenKind.SERVICE.prefix: PrincipalKind.SERVICE,
    VISIT_PREFIX: PrincipalKind.LINK,
}


def kind_of(token: str) -> PrincipalKind:
    """Who a token is for, as it says itself."""
    for prefix, kind in _PREFIXES.items():
        if token.startswith(prefix):
            return kind
    return PrincipalKind.USER


def looks_like_account(token: str) -> bool:
    """Whether a token is of a kind that only accounts have."""
    return kind_of(token) in (PrincipalKind.USER, PrincipalKind.TOKEN)


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever is behind a request, as a living credential shows, before any workspace is entered."""

    kind: PrincipalKind
    credential_id: str
    """Of the login, token or visit."""
    user_id: str | None
    methods: tuple[str, ...] = ()
    """How it was proven who this is, as RFC 8176 names it."""
    scopes: Permissions | None = None
    """What a token may be used for; None for all that its holder may do."""


@dataclass(frozen=True, slots=True)
class AccountPrincipal(Principal):
    """An account, through a login or a token of its own."""

    user_id: str
    email: str = ""
    display_name: str = ""
    authenticated_at: datetime | None = None
    """When it was last proven who this is; None for those who need no login."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A login, token or visit by its id, in one workspace, in the place of its secret."""

    kind: PrincipalKind
    id: str
    workspace_id: str


@dataclass(frozen=True, slots=True)
class Life:
    """What can change of a credential while it lasts, and until when it does."""

    methods: tuple[str, ...]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class People:
    """Whom a guest may see: these, and, where a project is open to the workspace, all who are no guests."""

    ids: frozenset[str]
    open: bool

    def sees(self, doc: Doc) -> bool:
        return doc["_id"] in self.ids or (self.open and doc.get("role", Role.GUEST) != Role.GUEST)

    def bound(self) -> Doc:
        ids: Doc = {"_id": {"$in": sorted(self.ids)}}
        return {"$or": [ids, {"role": {"$ne": Role.GUEST.value}}]} if self.open else ids


@dataclass(frozen=True, slots=True)
class Standing:
    """`projects` gives what one may do in each project of the workspace, also where that is nothing."""

    principal: Principal
    workspace_id: str
    holder: Holder
    permissions: Permissions
    """Of the workspace itself."""
    projects: Mapping[str, Permissions] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    """The id of each visible project by its key."""
    people: People | None = None
    """None for who sees everybody."""
    actor: Mapping[str, Any] = field(init=False, repr=False, compare=False)
    """How the log names who did it."""

    def __post_init__(self) -> None:
        kind = self.principal.kind
        kind = PrincipalKind.USER if kind is PrincipalKind.TOKEN else kind
        actor = {
            "kind": kind.value,
            "user_id": self.principal.user_id,
            "membership_id": self.membership_id,
        }
        # Once, as it is asked for with each request.
        object.__setattr__(self, "actor", actor)

    @property
    def membership_id(self) -> str:
        return self.holder.membership_id

    @property
    def role(self) -> Role:
        return self.holder.role

    @property
    def actor_id(self) -> str:
        """Whom requests are told apart by: the account, else the membership."""
        return self.principal.user_id or self.membership_id

    @property
    def is_admin(self) -> bool:
        """Whether this one sees and may do everything in every project, also in those made this instant."""
        return self.role in ADMINS and self.principal.scopes is None

    @property
    def rank(self) -> Role:
        """Up to which role one may give and take roles; with a token for some things only, to members."""
        return Role.MEMBER if self.role in ADMINS and not self.is_admin else self.role

    def in_project(self, project_id: str) -> Permissions:
        """What one may do there; everything for admins, nothing in a project that is not known."""
        return OF_PROJECTS if self.is_admin else self.projects.get(project_id, NONE)

    def held(self, project_id: str | None) -> Permissions:
        """What one may do in a project, or of the workspace itself."""
        return self.permissions if project_id is None else self.in_project(project_id)

    def knows(self, project_id: str) -> bool:
        return self.is_admin or project_id in self.projects

    def allows(self, permission: Permission) -> bool:
        """Whether one has the permission in the workspace, or at least in one of its projects.

        Everybody may ask what is there to read: what one may not see does not exist.
        """
        if permission in self.permissions:
            return True
        if permission not in OF_PROJECTS:
            return False
        return permission.reads or self.is_admin or any(permission in held for held in self.projects.values())

    def sees(self, model: type[Entity], doc: Doc, project_id: str | None) -> bool:
        """Whether one may read a document, which is of this project if of any."""
        reading = f"{model.KIND}:read"
        if project_id is not None:
            return reading in self.in_project(project_id)
        if model is Membership and self.people is not None:
            return self.people.sees(doc)
        return reading in self.permissions

    def readable(self, kind: str) -> Collection[str] | None:
        """The projects whose documents of a kind one may read; None for all of them."""
        reading = f"{kind}:read"
        if self.is_admin or (all(reading in held for held in self.projects.values()) and not self.is_guest):
            return None
        return [id_ for id_, held in self.projects.items() if reading in held]

    @property
    def is_guest(self) -> bool:
        return self.role is Role.GUEST

    @property
    def is_visitor(self) -> bool:
        """Whether this is nobody known, who came by a public link."""
        return self.principal.kind is PrincipalKind.LINK


def standing_of(
    principal: Principal,
    workspace_id: str,
    holder: Holder,
    roles: Roles,
    projects: Iterable[Doc],
    grants: Collection[Doc],
    people: People | None = None,
) -> Standing:
    """Weigh everything that a member has."""
    scopes = principal.scopes
    held = {
        one["_id"]: within(scopes, united(project_sources(holder, roles, one, grants))) for one in projects
    }
    keys = {one["key"]: one["_id"] for one in projects if Permission.PROJECT_READ in held[one["_id"]]}
    own = within(scopes, workspace_source(holder, roles).permissions)
    return Standing(principal, workspace_id, holder, own, held, keys, people)


def owner_standing(principal: AccountPrincipal, workspace_id: str, membership_id: str) -> Standing:
    """What an owner of a workspace has that need not be there yet."""
    holder = Holder(membership_id, Role.OWNER)
    return standing_of(principal, workspace_id, holder, {}, (), ())


def visitor_standing(principal: Principal, link: Doc, project: Doc, ids: Iterable[str]) -> Standing:
    """What a link gives, and nothing else: no membership or grant counts. `ids` are whom visitors see."""
    holder = Holder(link["membership_id"], Role.GUEST)
    held = {project["_id"]: OF_LINK[LinkRole(link["role"])]}
    people = People(frozenset({holder.membership_id, *ids}), open=False)
    keys = {project["key"]: project["_id"]}
    return Standing(principal, project["workspace_id"], holder, NAMED, held, keys, people)


def check_factors(principal: Principal, workspace: Doc) -> None:
    """Raises `second_factor_required` where the workspace asks for one that the login was made without.

    A token counts as the login that made it; a service account is let in by who made its token.
    """
    asked = workspace.get("requires_second_factor") and principal.kind is not PrincipalKind.SERVICE
    if asked and not is_multi_factor(principal.methods):
        raise PastisError(ErrorCode.SECOND_FACTOR_REQUIRED)


def is_open(project: Doc) -> bool:
    """Whether every member of the workspace sees a project."""
    return bool(project["visibility"] != Visibility.PRIVATE)
