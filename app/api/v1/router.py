"""All routes of version 1."""

from fastapi import APIRouter

from app.api.v1.endpoints import (
    auth,
    comments,
    events,
    imports,
    labels,
    me,
    memberships,
    projects,
    statuses,
    tasks,
    workspaces,
)

router = APIRouter(prefix="/api/v1")
for stem in (auth, me, workspaces, memberships, projects, statuses, labels, tasks, comments, events, imports):
    router.include_router(stem.router)
