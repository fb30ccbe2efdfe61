"""From a cursor to where the log is: one frame, by what a client may see now, with the documents it lacks.

What the client could see before is worked out from the log, too: the events since then say what they changed.
Where the events are gone, or too many, the documents tell instead (`state_delta.py`).
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from app.core.database.moments import Moment, moment
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.services.sync import queries
from app.services.sync.following import Following
from app.services.sync.frames import Frame, dump_ops
from app.services.sync.reach import Difference, View, difference
from app.services.sync.rights import Rights, Viewer, concerns
from app.services.sync.rules import Changes, Cursor, changes, projects_made, whole
from app.services.sync.state_delta import from_state

MOST_EVENTS = 10_000
"""Who has missed more is told what became of it, not what happened: that is less to read and to send."""


def from_memory(log: Following, viewer: Viewer, cursor: Cursor) -> Frame | None:
    """All that a client may see now of what came behind its cursor; None where that must be looked up.

    Raises `sync_reset` where the client must begin again, and what `Rights.view` does.
    """
    if not log.ring.has(cursor.seq):
        return None
    events = log.ring.after(cursor.seq)
    step = _step(log, viewer, log.rights, events, _of_rights(events), cursor)
    if step.difference.gained or step.changes.arrived:
        return None
    return step.frame(log, cursor, log.head, [])


async def from_database(log: Following, viewer: Viewer, cursor: Cursor) -> Frame:
    """The same, read as of one moment, and by the rights of that moment."""
    async with moment(log.database) as session:
        head = await queries.head(log.database, log.workspace_id, session)
        if head is None or head["epoch"] != cursor.epoch or head["seq"] < cursor.seq:
            raise PastisError(ErrorCode.SYNC_RESET)
        if cursor.seq < head["floor"] or head["seq"] - cursor.seq > MOST_EVENTS:
            return await from_state(log, viewer, cursor, head, session)
        events, of_rights = await _events(log, head["seq"], cursor, session)
        step = _step(log, viewer, await log.rights_at(head["seq"]), events, of_rights, cursor)
        return step.frame(log, cursor, head["seq"], await _looked_up(log, step, session))


@dataclass(frozen=True, slots=True)
class _Step:
    now: View
    difference: Difference
    changes: Changes

    def frame(self, log: Following, cursor: Cursor, seq: int, looked_up: list[Doc]) -> Frame:
        ops = self.difference.lost + self.changes.ops + looked_up
        return Frame(cursor.seq, Cursor(log.epoch, seq, self.now.digest), dump_ops(ops))


def _step(
    log: Following,
    viewer: Viewer,
    rights: Rights,
    events: Sequence[Doc],
    of_rights: Sequence[Doc],
    cursor: Cursor,
) -> _Step:
    before, now = log.views(viewer, rights, of_rights, cursor)
    step = difference(before, now, projects_made(of_rights))
    return _Step(now, step, changes(events, step.kept, rights.role_of))


async def _events(
    log: Following, until: int, cursor: Cursor, session: Moment
) -> tuple[Sequence[Doc], Sequence[Doc]]:
    """Those behind the cursor, and of these those that rights follow from."""
    after = cursor.seq
    if log.ring.has(after) and log.head >= until:
        events = log.ring.after(after, until)
        return events, _of_rights(events)
    events = await queries.told(log.database, log.workspace_id, after, until, session)
    if not _of_rights(events):
        return events, []
    # Rights are weighed with times that say that they are UTC.
    return events, await queries.events_of_rights(log.database, log.workspace_id, after, until, session)


def _of_rights(events: Sequence[Doc]) -> Sequence[Doc]:
    return [event for event in events if concerns(event)]


async def _looked_up(log: Following, step: _Step, session: Moment) -> list[Doc]:
    """What came into sight, whole."""
    docs: list[tuple[str, Doc]] = []
    gained, arrived = step.difference.gained, step.changes.arrived
    if gained:
        async with aclosing(queries.within(log.database, log.workspace_id, gained, session)) as parts:
            async for kind, found in parts:
                docs += [(kind, doc) for doc in found]
    if arrived:
        ids: dict[str, list[str]] = {}
        for kind, id_ in arrived:
            ids.setdefault(kind, []).append(id_)
        docs += await queries.called(log.database, log.workspace_id, ids, step.now.reach, session)
    return [whole(kind, doc, step.now) for kind, doc in docs]
