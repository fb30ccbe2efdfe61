"""What a client says on a socket."""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from app.schemas.base import Body, Id


class CommandMessage(Body):
    """A change, as its route of the workspace takes it; `id` is its Idempotency-Key."""

    type: Literal["command"]
    id: str = Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
    method: Literal["DELETE", "PATCH", "POST", "PUT"]
    path: str = Field(max_length=2000, pattern=r"^/[\x21-\x7e]*$")
    if_match: str | None = Field(None, max_length=255, pattern=r"^[\x20-\x7e]+$")
    body: Any = None


class PresenceMessage(Body):
    """Where somebody is: on a task, in a field of it, and whether they type."""

    type: Literal["presence"]
    task_id: Id | None = None
    field: str | None = Field(None, max_length=60, pattern=r"^[a-z_]+$")
    typing: bool = False


Message = Annotated[CommandMessage | PresenceMessage, Field(discriminator="type")]
MESSAGE: TypeAdapter[CommandMessage | PresenceMessage] = TypeAdapter(Message)
