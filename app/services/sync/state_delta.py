"""From a cursor to now without the events between: by the documents that changed since, and by tombstones.

A document says in which event it changed last, so all that a client lacks or has in an older state is found.
What is no more where it was is told by the log that is left, and by the tombstones of what is not. Of rights,
the log must still say what they were at the cursor, or at its own beginning if they were the same there.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from app.core.database.moments import Moment
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.services.sync import queries
from app.services.sync.following import Following
from app.services.sync.frames import Frame, dump_ops
from app.services.sync.reach import Reach, View, difference
from app.services.sync.rights import Viewer
from app.services.sync.rules import TASK, Cursor, Departure, whole

MOST_DOCUMENTS = 10_000
"""Who lacks more begins again: a snapshot is read once for many, and not held in memory."""
MOST_EVENTS = 200_000
"""Who is so far behind begins again: the database would take seconds to look through them."""


async def from_state(log: Following, viewer: Viewer, cursor: Cursor, head: Doc, session: Moment) -> Frame:
    """All that a client may see now of what became of the workspace since its cursor.

    Read in a session whose moment is that of the head. Raises `sync_reset` where that cannot be told, or
    would be too much, and what `Rights.view` does.
    """
    known, until = max(cursor.seq, head["floor"]), head["seq"]
    if until - known > MOST_EVENTS:
        raise PastisError(ErrorCode.SYNC_RESET)
    rights = await log.rights_at(until)
    of_rights = await queries.events_of_rights(log.database, log.workspace_id, known, until, session)
    before, now = log.views(viewer, rights, of_rights, cursor)
    step = difference(before if now.reach.people is None else _without_people(before), now)
    gone = await queries.departures(log.database, log.workspace_id, cursor.seq, known, until, session)
    kept = step.kept.reach
    ops = step.lost + [one.told for one in gone if kept.sees(one.kind, {}, one.project_id)]
    async with aclosing(_documents(log, cursor, kept, step.gained, gone, session)) as parts:
        async for kind, docs in parts:
            ops += [whole(kind, doc, now) for doc in docs]
            if len(ops) > MOST_DOCUMENTS:
                raise PastisError(ErrorCode.SYNC_RESET)
    return Frame(cursor.seq, Cursor(log.epoch, until, now.digest), dump_ops(ops))


def _without_people(view: View) -> View:
    """A view whose circle of people is like no guest's, so that a guest is told of all of them anew.

    Whom a guest sees follows from others' roles, too, and of these the documents tell only what is now.
    """
    return replace(view, reach=replace(view.reach, people=None))


async def _documents(
    log: Following, cursor: Cursor, kept: Reach, gained: Reach, gone: Sequence[Departure], session: Moment
) -> AsyncGenerator[tuple[str, list[Doc]], None]:
    """What came into sight, what changed, and what came along with tasks that moved."""
    database, workspace_id = log.database, log.workspace_id
    for reach, since in ((gained, 0), (kept, cursor.seq)):
        async with aclosing(queries.within(database, workspace_id, reach, session, since)) as parts:
            async for one in parts:
                yield one
    moved = {TASK: sorted({one.id for one in gone if one.moved})}
    for kind, doc in await queries.called(database, workspace_id, moved, kept, session):
        yield kind, [doc]
