"""All routes of version 1."""

from collections.abc import Sequence

from fastapi import APIRouter

from app.api.v1.endpoints import (
    audit,
    auth,
    avatars,
    comments,
    email_changes,
    events,
    factors,
    grants,
    identities,
    imports,
    labels,
    me,
    memberships,
    passkeys,
    password_resets,
    permissions,
    projects,
    registrations,
    roles,
    sessions,
    statuses,
    tasks,
    teams,
    tokens,
    workspaces,
)

PREFIX = "/api/v1"
# Routes are tried in this order: what is asked for most comes first.
ROUTERS: Sequence[APIRouter] = (
    tasks.router,
    comments.router,
    events.router,
    projects.router,
    statuses.router,
    labels.router,
    memberships.router,
    tokens.router,
    grants.router,
    teams.router,
    roles.router,
    permissions.router,
    imports.router,
    workspaces.router,
    audit.router,
    audit.mine,
    me.router,
    avatars.router,
    registrations.router,
    password_resets.router,
    email_changes.router,
    sessions.router,
    tokens.mine,
    factors.router,
    passkeys.router,
    auth.router,
    identities.router,
)
