"""All routes of version 1."""

from collections.abc import Sequence

from fastapi import APIRouter

from app.api.v1.endpoints import (
    audit,
    auth,
    comments,
    events,
    grants,
    identities,
    imports,
    labels,
    me,
    memberships,
    permissions,
    projects,
    roles,
    sessions,
    statuses,
    tasks,
    teams,
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
    grants.router,
    teams.router,
    roles.router,
    permissions.router,
    imports.router,
    workspaces.router,
    audit.router,
    audit.mine,
    me.router,
    sessions.router,
    auth.router,
    identities.router,
)
