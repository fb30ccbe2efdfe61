"""Who is here, as each process knows of its own sockets."""

from datetime import datetime
from typing import Any

from odmantic import Field, Model

from app.core.documents import index


class Presence(Model):
    """Those whom one process has in one workspace. It is written again and again; one that is not is over."""

    id: str = Field(primary_field=True)
    """`<workspace>:<process>`"""
    workspace_id: str
    people: list[dict[str, Any]]
    at: datetime

    model_config = {
        "collection": "presences",
        "indexes": lambda: [
            index("presences_by_workspace", "workspace_id"),
            index("presences_expire", "at", expireAfterSeconds=60),
        ],
    }
