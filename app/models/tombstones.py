"""Tombstones: what a log that was shortened still tells of documents that are not where they were."""

from odmantic import Field, Model

from app.core.documents import index


class Tombstone(Model):
    """A document was deleted, or left a project: the last time that it did, in events that are gone."""

    id: str = Field(primary_field=True)
    workspace_id: str
    seq: int
    kind: str
    document_id: str
    project_id: str | None
    """Where it was until then; None for what is of the workspace as a whole."""
    moved: bool

    model_config = {
        "collection": "tombstones",
        "indexes": lambda: [index("tombstones_by_seq", "workspace_id", "seq")],
    }
