"""Grants: a role in one project, for a member or a team."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from odmantic import Field

from app.core.documents import Doc, Entity, index


class ProjectRole(StrEnum):
    COMMENTER = "commenter"
    CONTRIBUTOR = "contributor"
    LEAD = "lead"
    VIEWER = "viewer"


class Grant(Entity):
    """`holder_id` is the membership or team that has it; a custom role takes the place of `role`."""

    KIND: ClassVar[str] = "grant"
    INTERNAL: ClassVar[frozenset[str]] = frozenset({"holder_id"})
    PROJECT: ClassVar[str] = "project_id"

    id: str = Field(primary_field=True)
    workspace_id: str
    project_id: str
    membership_id: str | None = None
    team_id: str | None = None
    role: ProjectRole
    custom_role_id: str | None = None
    holder_id: str = ""
    version: int = 0
    created_at: datetime
    updated_at: datetime

    model_config = {
        "collection": "grants",
        "indexes": lambda: [
            index("grants_by_project", "workspace_id", "project_id", "holder_id", unique=True),
            index("grants_by_holder", "holder_id"),
            index("grants_in_order", "workspace_id", "project_id", "_id"),
        ],
    }

    @classmethod
    def groups(cls, doc: Doc) -> list[str]:
        return [f"project:{doc['project_id']}"]

    @classmethod
    def refs(cls, doc: Doc) -> list[str]:
        return [doc["_id"], doc["project_id"]]

    @classmethod
    def derive(cls, doc: Doc) -> Doc:
        """`holder_id`, by which a request finds all grants of a member and its teams."""
        return {"holder_id": doc["membership_id"] or doc["team_id"]}
