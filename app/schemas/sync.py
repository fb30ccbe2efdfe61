"""Frames: what a client is told of a range of the log."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from app.core.errors import FieldCode
from app.models import ENTITIES
from app.schemas.base import ID, OTHER_ID, TIME, Shown, distinct, example, refusal


def _selection(text: str) -> str:
    kind, _, names = text.partition(":")
    model = ENTITIES.get(kind)
    if model is None:
        raise refusal(FieldCode.INVALID_CHOICE, expected=", ".join(sorted(ENTITIES)))
    known = model.model_fields.keys() - model.INTERNAL
    if not names or not known.issuperset(names.split(",")):
        raise refusal(FieldCode.INVALID_CHOICE, expected=", ".join(sorted(known)))
    return text


def _distinct_kinds(texts: list[str]) -> list[str]:
    distinct([text.partition(":")[0] for text in texts])
    return texts


Selection = Annotated[str, Field(max_length=500), AfterValidator(_selection)]
"""Some fields of a kind, as `task:title,status_id`."""
Selections = Annotated[list[Selection], AfterValidator(_distinct_kinds)]


def fields_of(selections: Iterable[str]) -> tuple[tuple[str, frozenset[str]], ...]:
    """The fields that are wanted of each kind, in the order of the kinds."""
    parts = (text.partition(":") for text in sorted(selections))
    return tuple((kind, frozenset(names.split(","))) for kind, _, names in parts)


class SyncOperationRead(Shown):
    verb: Literal["create", "delete", "purge", "update"] = Field(
        description="A purge takes out of sight, the others happened."
    )
    kind: str = Field(description="The noun: task, comment, project, ...")
    id: str | None = Field(None, description="The document; absent where all of a kind are purged.")
    project_id: str | None = Field(None, description="Of a purge: only what is in this project.")
    version: int | None = None
    by: str | None = Field(None, description="The membership of whoever did it, as far as one may know.")
    set: dict[str, Any] | None = Field(None, description="The new values; of a `create` the whole document.")

    model_config = Shown.model_config | example(
        verb="update",
        kind="task",
        id=ID,
        version=42,
        by=OTHER_ID,
        set={"priority": "urgent", "version": 42, "updated_at": TIME},
    )


class TicketRead(Shown):
    ticket: str = Field(description="Good once.")
    expires_in: int = Field(description="Seconds.")

    model_config = Shown.model_config | example(ticket="4qA0yJtc3Vb1Qm2Wc7Hn8Kd5Lr9Xs6Zt", expires_in=30)


class FrameRead(Shown):
    epoch: str = Field(description="Which life of the log: another one means to begin again.")
    from_: int = Field(alias="from", description="The number that the client must be at.")
    to: int = Field(description="The number that it is at afterwards.")
    cursor: str = Field(description="To go on from.")
    ops: list[SyncOperationRead] = Field(description="All that one may see of what came between.")

    model_config = Shown.model_config | example(
        **{"from": 41},
        epoch=OTHER_ID,
        to=42,
        cursor=f"{OTHER_ID}.42.9f86d081884c7d659a",
        ops=[
            {
                "verb": "update",
                "kind": "task",
                "id": ID,
                "version": 42,
                "by": OTHER_ID,
                "set": {"priority": "urgent", "version": 42, "updated_at": TIME},
            }
        ],
    )
