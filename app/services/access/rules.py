"""Which role may do what, how fresh a login must be, and until when what is given out lasts. Pure.

What somebody may do in a project is the union of all that their sources give them; nothing takes away.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.documents import Doc
from app.core.errors import FieldCode, invalid
from app.models.grants import ProjectRole
from app.models.links import LinkRole
from app.models.memberships import Role
from app.models.permissions import OF_PROJECTS, Permission
from app.models.projects import Visibility

Permissions = frozenset[Permission]
NONE: Permissions = frozenset()
MULTI_FACTOR = "mfa"
"""What RFC 8176 calls a login that was proven with a second factor too."""

_ADMIN_ONLY = frozenset(
    {
        Permission.AUDIT_READ,
        Permission.IMPORT_CREATE,
        Permission.INVITATION_CREATE,
        Permission.INVITATION_DELETE,
        Permission.INVITATION_READ,
        Permission.LABEL_DELETE,
        Permission.MEMBERSHIP_CREATE,
        Permission.MEMBERSHIP_DELETE,
        Permission.MEMBERSHIP_UPDATE,
        Permission.PROJECT_CREATE,
        Permission.ROLE_CREATE,
        Permission.ROLE_DELETE,
        Permission.ROLE_UPDATE,
        Permission.TEAM_CREATE,
        Permission.TEAM_DELETE,
        Permission.TEAM_UPDATE,
        Permission.TOKEN_CREATE,
        Permission.TOKEN_DELETE,
        Permission.TOKEN_READ,
        Permission.WORKSPACE_UPDATE,
    }
)
_EVERYBODY = frozenset(
    {
        Permission.EVENT_READ,
        Permission.EVENT_UNDO,
        Permission.LABEL_READ,
        Permission.MEMBERSHIP_LEAVE,
        Permission.MEMBERSHIP_READ,
        Permission.WORKSPACE_READ,
    }
)
"""What each role has of the workspace itself, custom ones included."""
OF_WORKSPACE: Mapping[Role, Permissions] = {
    Role.OWNER: frozenset(Permission) - OF_PROJECTS,
    Role.ADMIN: frozenset(Permission) - OF_PROJECTS,
    Role.MEMBER: frozenset(Permission) - OF_PROJECTS - _ADMIN_ONLY,
    Role.GUEST: _EVERYBODY,
}

NAMED = frozenset({Permission.LABEL_READ, Permission.MEMBERSHIP_READ, Permission.WORKSPACE_READ})
"""What all else names, read by tokens and visitors too."""

_VIEWER = frozenset(
    {
        Permission.COMMENT_READ,
        Permission.GRANT_READ,
        Permission.PROJECT_READ,
        Permission.STATUS_READ,
        Permission.TASK_READ,
    }
)
_COMMENTER = _VIEWER | {Permission.COMMENT_CREATE, Permission.COMMENT_DELETE, Permission.COMMENT_UPDATE}
_CONTRIBUTOR = _COMMENTER | {Permission.TASK_CREATE, Permission.TASK_DELETE, Permission.TASK_UPDATE}
IN_PROJECT: Mapping[ProjectRole, Permissions] = {
    ProjectRole.LEAD: OF_PROJECTS,
    ProjectRole.CONTRIBUTOR: _CONTRIBUTOR,
    ProjectRole.COMMENTER: _COMMENTER,
    ProjectRole.VIEWER: _VIEWER,
}

_VISITOR = _VIEWER - {Permission.GRANT_READ}
OF_LINK: Mapping[LinkRole, Permissions] = {
    LinkRole.COMMENTER: _VISITOR | {Permission.COMMENT_CREATE},
    LinkRole.VIEWER: _VISITOR,
}
"""What visitors may do in a link's project. They share a name, so nobody's comment is their own."""

_RANKS = {Role.GUEST: 0, Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}
ADMINS = (Role.ADMIN, Role.OWNER)

WATCHED = frozenset({"grant", "link", "membership", "project", "role", "team", "workspace"})
"""The kinds of documents that rights follow from."""

RECENT = timedelta(minutes=10)
"""How long ago one may have proven who one is, for sensitive actions (OWASP ASVS 5.0, 7.5.1)."""


def is_recent(authenticated_at: datetime | None, now: datetime) -> bool:
    return authenticated_at is not None and now - authenticated_at <= RECENT


def check_end(expires_at: datetime | None, now: datetime) -> None:
    """Raises `validation_failed` for an end that has come already."""
    if expires_at is not None and expires_at <= now:
        raise invalid("/expires_at", FieldCode.REFUSED, reason="past")


def is_multi_factor(methods: Sequence[str]) -> bool:
    return MULTI_FACTOR in methods


def is_shared(links: Sequence[Doc], projects: Sequence[Doc], now: datetime) -> bool:
    """Whether a link, as far as it was found, opens its project, as far as that was found."""
    if not links or not projects or projects[0]["visibility"] != Visibility.LINK:
        return False
    ends = links[0]["expires_at"]
    return ends is None or ends > now


def may_manage(actor: Role, target: Role) -> bool:
    """Whether someone may give, change or take away a role: nobody reaches above their own."""
    return _RANKS[actor] >= _RANKS[target]


def highest(roles: Iterable[Role]) -> Role:
    """The role that may most."""
    return max(roles, key=_RANKS.__getitem__)


def closed(wanted: Iterable[str]) -> Permissions:
    """A custom role's permissions with those that they are of no use without: reading what they are about."""
    chosen = {Permission(one) for one in wanted}
    chosen |= {Permission(f"{one.resource}:read") for one in chosen}
    if Permission.COMMENT_READ in chosen:
        chosen.add(Permission.TASK_READ)
    if chosen & OF_PROJECTS:
        chosen |= {Permission.PROJECT_READ, Permission.STATUS_READ}
    return frozenset(chosen)


def named(scope: str) -> Iterator[Permission]:
    """The permissions that a token's scope names, such as `task:update`, `comment:*` or `*:read`."""
    resource, _, action = scope.partition(":")
    return (one for one in Permission if resource in ("*", one.resource) and action in ("*", one.action))


def scoped(scopes: Iterable[str]) -> Permissions | None:
    """What a token's scopes let it be used for; None for everything.

    Reading what a permission is about comes with it, and so do the workspace itself, and the people and
    labels that all else names.
    """
    chosen = closed(one for scope in scopes for one in named(scope))
    return None if len(chosen) == len(Permission) else chosen | NAMED


def within(scopes: Permissions | None, held: Permissions) -> Permissions:
    """What is left of permissions where a token is for some things only; all of a set is that set."""
    return held if scopes is None or held <= scopes else held & scopes


@dataclass(frozen=True, slots=True)
class Holder:
    """A member as access sees it: the role, and the custom role in its place."""

    membership_id: str
    role: Role
    custom_role_id: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Why somebody may do something: `kind` is `role`, `visibility`, `lead`, `grant` or `link`."""

    kind: str
    permissions: Permissions
    role: str
    grant_id: str | None = None
    team_id: str | None = None


Roles = Mapping[str, Permissions]
"""The custom roles of a workspace by their ids, each as its closed permissions."""


def workspace_source(holder: Holder, roles: Roles) -> Source:
    """What a role gives of the workspace itself. A custom role that is gone gives what everybody has."""
    if holder.custom_role_id is None:
        return Source("role", OF_WORKSPACE[holder.role], holder.role)
    own = roles.get(holder.custom_role_id, NONE)
    return Source("role", (own - OF_PROJECTS) | _EVERYBODY, holder.custom_role_id)


def project_sources(holder: Holder, roles: Roles, project: Doc, grants: Iterable[Doc]) -> Iterator[Source]:
    """All that gives somebody something in a project; `grants` are those of the holder and its teams."""
    if holder.role in ADMINS:
        yield Source("role", OF_PROJECTS, holder.role)
    if holder.role is Role.MEMBER and project["visibility"] != Visibility.PRIVATE:
        custom = holder.custom_role_id
        given = _CONTRIBUTOR if custom is None else roles.get(custom, NONE) & OF_PROJECTS
        yield Source("visibility", given, custom or ProjectRole.CONTRIBUTOR)
    if project["lead_id"] == holder.membership_id:
        yield Source("lead", OF_PROJECTS, ProjectRole.LEAD)
    for grant in grants:
        if grant["project_id"] == project["_id"]:
            yield _grant_source(grant, roles)


def _grant_source(grant: Doc, roles: Roles) -> Source:
    custom = grant["custom_role_id"]
    given = (
        IN_PROJECT[ProjectRole(grant["role"])] if custom is None else roles.get(custom, NONE) & OF_PROJECTS
    )
    return Source("grant", given, custom or grant["role"], grant["_id"], grant["team_id"])


def explained(sources: Collection[Source], scopes: Permissions | None, *, of_project: bool) -> list[Doc]:
    """Every permission of a project, or of the workspace itself, with all that gives it within scopes."""
    return [
        {
            "permission": permission,
            "allowed": any(permission in within(scopes, source.permissions) for source in sources),
            "by": [_shown(source) for source in sources if permission in source.permissions],
        }
        for permission in Permission
        if (permission in OF_PROJECTS) is of_project
    ]


def _shown(source: Source) -> Doc:
    return {
        "kind": source.kind,
        "role": source.role,
        "grant_id": source.grant_id,
        "team_id": source.team_id,
    }


def united(sources: Iterable[Source]) -> Permissions:
    """What several sources give together. One alone keeps its set, so that many projects share it."""
    found = NONE
    for source in sources:
        found = source.permissions if found <= source.permissions else found | source.permissions
    return found
