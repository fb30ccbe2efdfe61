"""Comments."""

from datetime import datetime

from app.schemas.base import KEPT, OTHER_ID, Body, FilledBlock, Id, Kept, NewId, example


class CommentCreate(Body):
    id: NewId = None
    body: FilledBlock

    model_config = Body.model_config | example(body="Fixed on master, see r10241.")


class CommentPatch(Body):
    body: FilledBlock

    model_config = Body.model_config | example(body="Fixed on main, see r10241.")


class CommentRead(Kept):
    workspace_id: Id
    task_id: Id
    author_id: Id | None
    body: str
    edited_at: datetime | None

    model_config = Kept.model_config | example(
        **KEPT,
        workspace_id=OTHER_ID,
        task_id=OTHER_ID,
        author_id=OTHER_ID,
        body="Fixed on master, see r10241.",
        edited_at=None,
    )
