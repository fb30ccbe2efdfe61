"""The audit log, as admins see their workspace's and everybody their own."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from app.models.audit import AuditKind
from app.schemas.base import OTHER_ID, TIME, WHOLE, Body, Id, Instant, Shown, example
from app.schemas.events import ActorRead
from app.schemas.pagination import CURSOR, LIMIT


class AuditFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


class AuditQuery(Body):
    kind: AuditKind | None = Field(None, description="Only this kind, such as `login.fail`.")
    since: Instant | None = Field(None, description="From this time on.")
    until: Instant | None = Field(None, description="Before this time.")


class AuditListQuery(AuditQuery):
    limit: Annotated[int, Field(ge=1, le=200, description=LIMIT), WHOLE] = 50
    cursor: Annotated[str, Field(max_length=1024)] | None = Field(None, description=CURSOR)
    count: bool = Field(False, description="Also count all that match.")


MEMBERSHIP = "Only what this member did or what was about them."


class WorkspaceAuditListQuery(AuditListQuery):
    membership: Id | None = Field(None, description=MEMBERSHIP)


class AuditExportQuery(AuditQuery):
    membership: Id | None = Field(None, description=MEMBERSHIP)
    format: AuditFormat = Field(
        AuditFormat.NDJSON, description="`ndjson`, one JSON object a line, or `csv` for spreadsheets."
    )


class AuditEntryRead(Shown):
    id: str = Field(description="Its chain and its number there.")
    at: datetime
    kind: AuditKind
    actor: ActorRead = Field(description="Who did it.")
    user_id: str | None = Field(description="The account that it is about.")
    address: str | None = Field(description="Where it came from; only shown to the account's owner.")
    client: str | None = Field(
        description="What the client called itself; of an account's own matters only shown to its owner."
    )
    event: int | None = Field(description="The number of the event in the workspace's log that it tells of.")
    detail: dict[str, Any] = Field(description="What else is known; its members depend on the kind.")

    model_config = Shown.model_config | example(
        id=f"{OTHER_ID}:17",
        at=TIME,
        kind="login.create",
        actor={"kind": "user", "membership_id": None, "user_id": OTHER_ID},
        user_id=OTHER_ID,
        address="192.0.2.7",
        client="pastis-web/1.0",
        event=None,
        detail={"methods": ["pwd"]},
    )
