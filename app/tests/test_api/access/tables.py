"""What each role may do, as docs/guides/users.md, docs/api/tokens.md and docs/api/links.md say it."""

from collections.abc import Iterable

Permissions = frozenset[str]

_IN_WORKSPACE = """
    audit:read owner admin
    event:read owner admin member guest
    event:undo owner admin member guest
    import:create owner admin
    import:read owner admin member
    invitation:create owner admin
    invitation:delete owner admin
    invitation:read owner admin
    label:create owner admin member
    label:delete owner admin
    label:read owner admin member guest
    label:update owner admin member
    membership:create owner admin
    membership:delete owner admin
    membership:leave owner admin member guest
    membership:read owner admin member guest
    membership:update owner admin
    project:create owner admin
    role:create owner admin
    role:delete owner admin
    role:read owner admin member
    role:update owner admin
    team:create owner admin
    team:delete owner admin
    team:read owner admin member
    team:update owner admin
    token:create owner admin
    token:delete owner admin
    token:read owner admin
    workspace:read owner admin member guest
    workspace:update owner admin
"""
_IN_PROJECT = """
    comment:create lead contributor commenter
    comment:delete lead contributor commenter
    comment:moderate lead
    comment:read lead contributor commenter viewer
    comment:update lead contributor commenter
    grant:create lead
    grant:delete lead
    grant:read lead contributor commenter viewer
    grant:update lead
    link:create lead
    link:delete lead
    link:read lead
    link:update lead
    project:read lead contributor commenter viewer
    project:update lead
    status:create lead
    status:delete lead
    status:read lead contributor commenter viewer
    status:update lead
    task:create lead contributor
    task:delete lead contributor
    task:read lead contributor commenter viewer
    task:update lead contributor
"""


def _read(table: str) -> dict[str, Permissions]:
    """What each role may do."""
    rows = [line.split() for line in table.splitlines() if line.strip()]
    roles = {role for row in rows for role in row[1:]}
    return {role: frozenset(row[0] for row in rows if role in row[1:]) for role in roles}


WORKSPACE_ROLES = _read(_IN_WORKSPACE)
PROJECT_ROLES = _read(_IN_PROJECT)
OF_WORKSPACE = WORKSPACE_ROLES["owner"]
OF_PROJECT = PROJECT_ROLES["lead"]
EVERYBODY = WORKSPACE_ROLES["guest"]
RANKS = ("guest", "member", "admin", "owner")
EVERYTHING = OF_WORKSPACE | OF_PROJECT
_VISITOR = PROJECT_ROLES["viewer"] - {"grant:read"}
LINK_ROLES = {"viewer": _VISITOR, "commenter": _VISITOR | {"comment:create"}}
"""Visitors share a name, so nobody's comment is their own."""
WITH_EVERY_TOKEN = frozenset({"label:read", "membership:read", "workspace:read"})


def with_reading(chosen: Iterable[str]) -> Permissions:
    """A custom role's permissions: reading what they are about comes along, and what that is a part of."""
    found = set(chosen) | {f"{one.partition(':')[0]}:read" for one in chosen}
    if "comment:read" in found:
        found.add("task:read")
    if found & OF_PROJECT:
        found |= {"project:read", "status:read"}
    return frozenset(found)


def narrowed_to(scopes: Iterable[str]) -> Permissions | None:
    """What a token with these scopes may be used for; None for everything."""
    found: set[str] = set()
    for scope in scopes:
        resource, _, action = scope.partition(":")
        parts = (one.split(":") for one in EVERYTHING)
        found |= {f"{of}:{do}" for of, do in parts if resource in ("*", of) and action in ("*", do)}
    return None if found == EVERYTHING else with_reading(found) | WITH_EVERY_TOKEN
