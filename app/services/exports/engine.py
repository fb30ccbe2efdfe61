"""Exports a workspace: a header, every document, and the log where it is asked for."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.documents import Doc, public
from app.core.errors import not_found
from app.core.log import Event
from app.services.exports import queries
from app.services.exports.queries import ORDER, View
from app.utils.times import rfc3339

FORMAT = "pastis-export"
VERSION = 1
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_APPEND_NEWLINE


@dataclass(slots=True)
class Summary:
    """What has been exported so far. `seq` is the number of the last command that is in it."""

    seq: int = 0
    lines: Counter[str] = field(default_factory=Counter)


class ExportEngine:
    """Exports whole workspaces, whoever may see what: for those who have the machine itself."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def lines(
        self, workspace_id: str, summary: Summary, *, history: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """The lines of an export, all as of one sequence number; counts them in `summary`.

        The first is the header, which tells how many lines of each kind follow, so that a file that was cut
        is noticed. Raises `not_found`.
        """
        async with queries.view(self._database, workspace_id) as view:
            head = await view.head()
            if head is None:
                raise not_found("workspace")
            summary.seq = head["seq"]
            yield _line(await self._header(view, head, history=history))
            async for kind, doc in _documents(view, history=history):
                summary.lines[kind] += 1
                yield _line({"kind": kind, **doc})

    async def _header(self, view: View, head: Doc, *, history: bool) -> Doc:
        workspace = await view.workspace() or {}
        counts = {model.KIND: await view.count(model) for model, _ in ORDER}
        return {
            "format": FORMAT,
            "version": VERSION,
            "workspace": {"id": view.workspace_id, "slug": workspace.get("slug")},
            "seq": head["seq"],
            "epoch": head["epoch"],
            "exported_at": self._clock.now(),
            "lines": {**counts, "event": await view.count(Event)} if history else counts,
        }


async def _documents(view: View, *, history: bool) -> AsyncIterator[tuple[str, Doc]]:
    for model, order in ORDER:
        async for doc in view.documents(model, order):
            yield model.KIND, public(model, doc)
    if history:
        async for event in view.events():
            del event["_id"]  # the workspace and the number, which are both there
            yield "event", event


def _line(value: Any) -> bytes:
    return orjson.dumps(value, default=rfc3339, option=_OPTIONS)
