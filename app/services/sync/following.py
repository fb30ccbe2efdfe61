"""A workspace's log as this process follows it: its latest events, and the rights that follow from it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.database.moments import moment
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.rounds import Rounds
from app.services.sync import queries
from app.services.sync.reach import View
from app.services.sync.rights import Rights, Viewer, by_id, concerns
from app.services.sync.ring import Ring
from app.services.sync.rules import Cursor

ERASING = "membership.erase"
"""After this command, the log says less than it did."""


class Following:
    def __init__(
        self, database: Database, clock: Clock, workspace_id: str, head: Doc, rights: Rights
    ) -> None:
        self.database = database
        self.workspace_id = workspace_id
        self.epoch: str = head["epoch"]
        self.ring = Ring(head["seq"])
        self.rights = rights
        """As of the head."""
        self.refresh = Rounds(self._look)
        """Come to where the log is now, or further; raises what `follow` does."""
        self.on_events: Callable[[Sequence[Doc], bool], None] = lambda *_: None
        """Called when the head has moved, with the events, and whether rights may have changed."""
        self._clock = clock
        self._rights_moved: int = head["seq"]

    @classmethod
    async def open(cls, database: Database, clock: Clock, workspace_id: str) -> "Following":
        """Raises `not_found`."""
        async with moment(database) as session:
            head = await queries.head(database, workspace_id, session)
            if head is None:
                raise not_found("workspace")
            docs = await queries.of_rights(database, workspace_id, session)
        return cls(database, clock, workspace_id, head, Rights(workspace_id, by_id(docs)))

    @property
    def head(self) -> int:
        return self.ring.head

    def publish(self, events: Sequence[Doc]) -> None:
        """Take in events that are committed, if they are the next ones; `follow` reads what is missing."""
        fresh = [event for event in events if event["seq"] > self.head]
        if not fresh or fresh[0]["seq"] != self.head + 1:
            return
        self.ring.append(fresh)
        if any(event["command"] == ERASING for event in fresh):
            self.ring.forget(self.head)
        moved = [event["seq"] for event in fresh if concerns(event)]
        if moved:
            self.rights.apply(fresh)
            self._rights_moved = moved[-1]
        self.on_events(fresh, bool(moved))

    async def follow(self, head: Doc) -> None:
        """Come to where the log is, or further.

        Raises `sync_reset` where it is another log by now, `overloaded` where this must be opened anew.
        """
        if head["epoch"] != self.epoch:
            raise PastisError(ErrorCode.SYNC_RESET)
        if head["floor"] > self.head:  # it was shortened before we had read it
            raise PastisError(ErrorCode.OVERLOADED)
        while self.head < head["seq"]:
            events = await queries.events(self.database, self.workspace_id, self.head)
            if not events or events[-1]["seq"] <= self.head:
                return  # it came another way meanwhile
            if events[0]["seq"] > self.head + 1:  # the log was shortened since its head was read
                raise PastisError(ErrorCode.OVERLOADED)
            self.publish(events)

    async def _look(self) -> None:
        found = await queries.heads(self.database, [self.workspace_id])
        if self.workspace_id in found:
            await self.follow(found[self.workspace_id])

    def view(self, viewer: Viewer, rights: Rights | None = None) -> View:
        """What somebody is sent, by rights of now or before; raises what `Rights.view` does."""
        return (rights or self.rights).view(viewer, self.now())

    def views(
        self, viewer: Viewer, rights: Rights, events: Sequence[Doc], cursor: Cursor
    ) -> tuple[View, View]:
        """What somebody saw before these events, and sees by the rights after them.

        Raises `sync_reset` where that is not what the cursor is of, and what `Rights.view` does.
        """
        now = self.view(viewer, rights)
        before = self.former_view(viewer, rights, events)
        if before is None or before.digest != cursor.digest:
            raise PastisError(ErrorCode.SYNC_RESET)
        return before, now

    def former_view(self, viewer: Viewer, rights: Rights, events: Sequence[Doc]) -> View | None:
        """What a client saw before these events; None for who was not let in then."""
        try:
            return self.view(viewer, rights.before(events))
        except PastisError:
            return None

    def now(self) -> datetime:
        return self._clock.now()

    async def rights_at(self, seq: int) -> Rights:
        """The rights as of a number of the log that can be read already."""
        if self.head < seq:
            await self.refresh()
        if self._rights_moved <= seq:
            return self.rights
        if not self.ring.has(seq):  # left behind by a whole ring while it was read
            raise PastisError(ErrorCode.OVERLOADED)
        return self.rights.before(self.ring.after(seq))
