"""Avatars: the pictures of accounts, apart from them, as they are read for themselves."""

from datetime import datetime

from odmantic import Field, Model


class Avatar(Model):
    """A picture of 256 by 256, which Pastis wrote itself. `id` is the account's."""

    id: str = Field(primary_field=True)
    content: bytes
    version: str
    """The beginning of the content's SHA-256, which is its ETag."""
    updated_at: datetime

    model_config = {"collection": "avatars"}
