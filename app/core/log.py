"""The workspace's log: one event a command, numbered without gaps by the workspace's head."""

from datetime import datetime
from typing import Any

from odmantic import Field, Model

from app.core.documents import Doc, index


class Head(Model):
    """Where a workspace's log stands.

    `seq` is the number of the last committed command, `floor` the number from which the log is complete,
    `writes` counts the transactions that wrote to the workspace.
    `epoch` changes when the log was restored from a backup, so that clients start afresh.
    """

    id: str = Field(primary_field=True)
    seq: int
    writes: int
    floor: int
    epoch: str

    model_config = {"collection": "heads"}


class Event(Model):
    """What one command changed. `ops` hold the new (`set`) and the former (`before`) values."""

    id: str = Field(primary_field=True)
    workspace_id: str
    seq: int
    at: datetime
    actor: dict[str, Any]
    source: dict[str, Any]
    command: str
    mutation: str | None
    refs: list[str]
    ops: list[Doc]

    model_config = {
        "collection": "events",
        "indexes": lambda: [
            index("events_by_seq", "workspace_id", "seq", unique=True),
            index("events_by_ref", "workspace_id", "refs", "seq"),
        ],
    }


class Mutation(Model):
    """The recorded answer to a request that carried an Idempotency-Key; kept for seven days."""

    id: str = Field(primary_field=True)
    workspace_id: str
    fingerprint: str
    results: list[Doc]
    at: datetime

    model_config = {
        "collection": "mutations",
        "indexes": lambda: [index("mutations_expire", "at", expireAfterSeconds=7 * 24 * 3600)],
    }


def event_id(workspace_id: str, seq: int) -> str:
    return f"{workspace_id}:{seq}"
