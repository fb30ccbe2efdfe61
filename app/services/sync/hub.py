"""Everybody in this process who is told of a workspace's log."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic

from app.core.background import seen
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.services.sync.audience import Audience
from app.services.sync.catch_up import from_database, from_memory
from app.services.sync.feed import Feed, LookUpNeeded
from app.services.sync.following import Following
from app.services.sync.frames import Frame
from app.services.sync.lobby import Lobby
from app.services.sync.rights import Viewer
from app.services.sync.rules import Cursor
from app.services.sync.snapshots import Snapshots

FAIR = 100
"""So many feeds are told before others have their turn in the process."""


@dataclass(slots=True)
class Stats:
    """What a process has told since it started, and how far it was behind a log when it last looked."""

    deliveries: int = 0
    lag: int = 0


class Hub:
    def __init__(self, log: Following, keep_people: Callable[["Hub"], None], stats: Stats) -> None:
        """`keep_people` is to let other processes know who is here, soon."""
        self.log = log
        self.stats = stats
        self.lobby = Lobby(log.rights.role_of, lambda: keep_people(self))
        self.feeds: set[Feed] = set()
        self.snapshots = Snapshots(log)
        self.idle_since = monotonic()
        self._audiences: dict[str, Audience] = {}
        self._telling: asyncio.Task[None] | None = None
        self._looking_up: dict[tuple[Cursor, str], asyncio.Task[Frame]] = {}
        self._caught_up: dict[tuple[Cursor, str], Frame] = {}
        """Of the present head, worked out in memory."""
        self._floor = log.ring.floor
        log.on_events = self._on_events

    def join(self, feed: Feed) -> None:
        """Raises what `Rights.view` does."""
        feed.audience = self._audience(feed.viewer)
        feed.audience.size += 1
        self.feeds.add(feed)

    def leave(self, feed: Feed) -> None:
        if feed in self.feeds:
            self.feeds.discard(feed)
            self.lobby.leave(feed)
            self._forsake(feed.audience)
            self.idle_since = monotonic()

    def weigh(self, feeds: Iterable[Feed]) -> None:
        """Find out anew what feeds may tell; who may see nothing any more is told so."""
        for feed in list(feeds):
            try:
                audience = self._audience(feed.viewer)
            except PastisError as error:
                feed.end(error)
                continue
            if audience is not feed.audience:
                self._forsake(feed.audience)
                feed.audience = audience
                audience.size += 1
        self.lobby.touch()

    def tick(self, now: float) -> None:
        """What time alone changes: links end, clients want a sign of life, or take nothing."""
        self.weigh(feed for feed in self.feeds if feed.viewer.is_visitor)
        for feed in list(self.feeds):
            feed.tick(now)
        # Of those who only ask now and then.
        self._audiences = {digest: one for digest, one in self._audiences.items() if one.size}
        self.wake()

    def wake(self) -> None:
        """Tell everybody what is new, soon: answers to whoever did it go first."""
        if self._telling is None and self.feeds:
            self._telling = asyncio.create_task(self._tell_all())

    def end(self, reason: PastisError) -> None:
        """Tell everybody why there is nothing more."""
        for feed in list(self.feeds):
            feed.end(reason)

    def next_of(self, feed: Feed) -> Frame | None:
        """What is to be told next; None for nothing. Raises LookUpNeeded."""
        log, start = self.log, feed.cursor.seq
        if feed.cursor.digest != feed.audience.digest:
            raise LookUpNeeded
        if feed.seen >= log.head:
            return None
        frame = feed.audience.frame(start, log.ring, log.rights.role_of) if log.ring.has(start) else None
        if frame is None:
            raise LookUpNeeded
        if not frame.ops:
            feed.seen = frame.cursor.seq
            return None
        return frame

    def here(self, viewer: Viewer) -> Frame:
        """An empty frame that tells a new client where the log is; raises what `Rights.view` does."""
        head = self.log.head
        return Frame(head, Cursor(self.log.epoch, head, self._audience(viewer).digest), b"")

    async def catch_up(self, viewer: Viewer, cursor: Cursor) -> Frame:
        """All that a client may see now of what came behind its cursor, in one frame.

        Raises `sync_reset` where it must begin again, and what `Rights.view` does.
        """
        if cursor.epoch != self.log.epoch:
            raise PastisError(ErrorCode.SYNC_RESET)
        quick = self._from_memory(viewer, cursor)
        if quick is not None:
            return quick
        while True:
            frame = await self._look_up(viewer, cursor)
            # It was made for somebody who saw the same when it began.
            if frame.cursor.digest == self._audience(viewer).digest:
                return frame

    def _from_memory(self, viewer: Viewer, cursor: Cursor) -> Frame | None:
        audience = self._audience(viewer)
        if audience.digest == cursor.digest and self.log.ring.has(cursor.seq):
            return audience.frame(cursor.seq, self.log.ring, self.log.rights.role_of)
        known = self._caught_up.get((cursor, audience.digest))
        if known is None:
            known = from_memory(self.log, viewer, cursor)
            if known is not None:
                self._caught_up[cursor, audience.digest] = known
        return known

    async def _look_up(self, viewer: Viewer, cursor: Cursor) -> Frame:
        """Those who saw, and see, the same share the answer."""
        key = (cursor, self._audience(viewer).digest)
        looking_up = self._looking_up.get(key)
        if looking_up is None:
            looking_up = self._looking_up[key] = asyncio.create_task(from_database(self.log, viewer, cursor))
            looking_up.add_done_callback(seen)
            looking_up.add_done_callback(lambda _: self._looking_up.pop(key, None))
        # One who leaves must not take the others' answer along.
        return await asyncio.shield(looking_up)

    def _audience(self, viewer: Viewer) -> Audience:
        view = self.log.view(viewer)
        known = self._audiences.get(view.digest)
        if known is None:
            known = self._audiences[view.digest] = Audience(view, self.log.epoch)
        return known

    def _forsake(self, audience: Audience) -> None:
        audience.size -= 1
        if audience.size <= 0 and self._audiences.get(audience.digest) is audience:
            del self._audiences[audience.digest]

    def _on_events(self, events: Sequence[Doc], rights_moved: bool) -> None:
        if self.log.ring.floor != self._floor:
            self._floor = self.log.ring.floor
            for audience in self._audiences.values():
                audience.forget(self._floor)
        self._caught_up.clear()
        if self.lobby:
            self.lobby.heed(events)
        if rights_moved:
            self.weigh(self.feeds)
        self.wake()

    async def _tell_all(self) -> None:
        try:
            told = -1
            while told < self.log.head:
                told = self.log.head
                for number, feed in enumerate(list(self.feeds), 1):
                    feed.wake()
                    if number % FAIR == 0:
                        await asyncio.sleep(0)
        finally:
            self._telling = None
