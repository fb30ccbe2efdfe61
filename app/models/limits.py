"""Token buckets that all processes share: one document a key."""

from datetime import datetime

from odmantic import Field, Model

from app.core.documents import index


class Bucket(Model):
    """What was left in a bucket at a time, by the clock of the database; a full one may go.

    `id` is a hash of what the bucket is for, so that no address can be read from it.
    """

    id: str = Field(primary_field=True)
    tokens: float
    at: datetime
    taken: float
    """How many the last request got."""
    full_at: datetime

    model_config = {
        "collection": "buckets",
        "indexes": lambda: [index("buckets_expire", "full_at", expireAfterSeconds=60)],
    }
