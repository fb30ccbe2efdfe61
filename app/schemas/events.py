"""Events: what one command changed, by whom, through what."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from app.schemas.base import ID, OTHER_ID, TIME, Shown, example


class ActorRead(Shown):
    kind: Literal["identity_source", "import", "link", "service", "system", "user"]
    membership_id: str | None = None
    user_id: str | None = None


class SourceRead(Shown):
    channel: str = Field(description="`http`, `cli`, `import`, `oidc` or `system`.")
    client: str | None = Field(None, description="What the client calls itself.")
    request_id: str | None = None
    token_id: str | None = Field(None, description="The API token or visit, where it was no login.")


class OperationRead(Shown):
    kind: str = Field(description="The noun: task, comment, project, ...")
    id: str
    verb: Literal["create", "delete", "update"]
    version: int
    set: dict[str, Any] = Field(description="The new values; the whole object where it was created.")
    before: dict[str, Any] = Field(
        description="The former values of the same fields; the whole object where deleted."
    )


class EventRead(Shown):
    seq: int = Field(description="The command's number in the workspace, without gaps.")
    at: datetime
    actor: ActorRead
    source: SourceRead
    command: str = Field(description="What was asked, as `task.update`.")
    ops: list[OperationRead]

    model_config = Shown.model_config | example(
        seq=42,
        at=TIME,
        actor={"kind": "user", "membership_id": OTHER_ID, "user_id": OTHER_ID},
        source={"channel": "http", "client": "pastis-web/1.0", "request_id": "b7f0c2d1e9a84c55"},
        command="task.update",
        ops=[
            {
                "kind": "task",
                "id": ID,
                "verb": "update",
                "version": 42,
                "set": {"priority": "urgent", "version": 42, "updated_at": TIME},
                "before": {"priority": "high", "version": 17, "updated_at": TIME},
            }
        ],
    )
