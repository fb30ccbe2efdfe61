"""All streams of a process: opened, kept true, ended."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from time import monotonic
from typing import Any

from app.core.background import seen, stop
from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.doorbell import Ring
from app.core.database.engine import Database
from app.core.database.errors import classify
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.log import Event
from app.core.logging import get_logger
from app.core.unit_of_work import Writers
from app.services.access import Access, AccountPrincipal
from app.services.sync import queries
from app.services.sync.credentials import Credentials
from app.services.sync.feed import Feed
from app.services.sync.following import Following
from app.services.sync.frames import Frame
from app.services.sync.hub import Hub, Stats
from app.services.sync.people import PeopleExchange
from app.services.sync.rights import Viewer
from app.services.sync.rules import Cursor
from app.services.sync.snapshots import Snapshot
from app.services.sync.tickets import Tickets

TICK_SECONDS = 1.0
LINGER_SECONDS = 60.0
"""How long a hub without clients is kept: they may all come back."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody in a workspace that is followed."""

    hub: Hub
    viewer: Viewer

    @property
    def workspace_id(self) -> str:
        return self.hub.log.workspace_id

    def may_read(self, kind: str) -> bool:
        """Whether one may, what is of the workspace as a whole; raises what `Rights.view` does."""
        return self.hub.log.view(self.viewer).reach.sees(kind, {}, None)


@dataclass(frozen=True, slots=True)
class Opened:
    """A client that has been let in, and what it is told first."""

    hub: Hub
    viewer: Viewer
    frame: Frame


class SyncEngine:
    def __init__(
        self, database: Database, writers: Writers, access: Access, clock: Clock, settings: Settings
    ) -> None:
        self._database = database
        self._clock = clock
        self._most = settings.max_streams
        self.tickets = Tickets(database)
        self._credentials = Credentials(access, clock, lambda: self._spawn(self._credentials.check()))
        self._hubs: dict[str, Hub] = {}
        self._ids: dict[str, str] = {}
        """Of workspaces that are followed, by the slugs that they had at the last tick."""
        self._people = PeopleExchange(database, self._hubs.values, self._spawn)
        self._opening: dict[str, asyncio.Task[Hub]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._closed = False
        self.size = 0
        """How many streams there are."""
        self.stats = Stats()
        writers.listeners.append(self._on_commit)

    def rings(self) -> list[Ring]:
        return [Ring(Event, {"operationType": "insert"}, self._on_ring), *self._people.rings()]

    def start(self, is_heard: Callable[[], bool]) -> None:
        """`is_heard` says whether the doorbell is: while it is not, credentials are looked at each second."""
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick_on(is_heard), name="streams")

    async def renew_epochs(self) -> int:
        """Have everybody begin anew: the logs are not those that they followed. Gives how many there are.

        For after a restore: numbers that clients know already are given for the second time then.
        """
        return await queries.renew_epochs(self._database)

    def end_all(self) -> None:
        """Let nobody in any more, and tell everybody to come back soon."""
        self._closed = True
        for hub in self._hubs.values():
            hub.end(PastisError(ErrorCode.SERVER_STOPPING))

    async def close(self) -> None:
        self.end_all()
        for task in (self._ticking, *self._tasks, *self._opening.values()):
            await stop(task)
        for hub in self._hubs.values():
            await hub.snapshots.close()
        await _logged(self._people.close())

    async def open(self, workspace_id: str, viewer: Viewer, cursor: Cursor | None) -> Opened:
        """Let a client in, with all that it may see of what came behind its cursor, if it has one.

        Raises `sync_reset` where it must begin again, `overloaded`, `server_stopping`, and what
        `Rights.view` does.
        """
        self._check_room()
        return await self.let_in(Entered(await self._enter(workspace_id), viewer), cursor)

    @property
    def workspaces(self) -> int:
        """How many are followed."""
        return len(self._hubs)

    @property
    def ring_events(self) -> int:
        """How many events are kept for those who come back."""
        return sum(hub.log.ring.size for hub in self._hubs.values())

    def follows(self, ref: str) -> bool:
        """Whether a workspace of this id, or of this slug as far as is known, is followed."""
        return self._ids.get(ref, ref) in self._hubs

    async def enter(self, ref: str, principal: AccountPrincipal) -> Entered | None:
        """An account in a workspace that is followed already, named by its id or slug, as of now.

        None where it is not followed, called otherwise by now, or not the account's. Raises what `open` does.
        """
        self._check_room()
        if not self.follows(ref):
            return None
        hub = await self._enter(self._ids.get(ref, ref))
        rights = hub.log.rights
        membership_id = rights.membership_of(principal.user_id) if rights.is_called(ref) else None
        return None if membership_id is None else Entered(hub, Viewer(principal, membership_id))

    async def let_in(self, entered: Entered, cursor: Cursor | None) -> Opened:
        """The same as `open`, for who has entered."""
        hub, viewer = entered.hub, entered.viewer
        frame = hub.here(viewer) if cursor is None else await hub.catch_up(viewer, cursor)
        return Opened(hub, viewer, frame)

    def _check_room(self) -> None:
        if self.size >= self._most:
            raise PastisError(ErrorCode.OVERLOADED, headers={"Retry-After": "5"})

    async def snapshot(self, workspace_id: str, viewer: Viewer) -> Snapshot:
        """All that a client sees, and the cursor to go on from; raises what `open` does."""
        hub = await self._enter(workspace_id)
        return await hub.snapshots.get(viewer)

    def join(
        self,
        opened: Opened,
        send: Callable[[Frame], Awaitable[None]],
        on_end: Callable[[PastisError | None], None],
    ) -> Feed:
        """Tell a client what comes from now on. Raises `overloaded`, and what `Rights.view` does."""
        if self.size >= self._most:
            raise PastisError(ErrorCode.OVERLOADED)

        def ended(reason: PastisError | None) -> None:
            self.size -= 1
            self._credentials.forget(feed)
            on_end(reason)

        feed = Feed(opened.hub, opened.viewer, opened.frame.cursor, send, ended)
        opened.hub.join(feed)
        self.size += 1
        self._credentials.watch(feed)
        if self._closed or self._hubs.get(opened.hub.log.workspace_id) is not opened.hub:
            feed.end(PastisError(ErrorCode.SERVER_STOPPING))
        feed.wake()
        return feed

    async def project_of(self, feed: Feed, task_id: str) -> str | None:
        """The project of a task that a client sees; None for another."""
        project_id = await queries.project_of(self._database, feed.hub.log.workspace_id, task_id)
        seen = project_id is not None and feed.audience.view.reach.sees("task", {}, project_id)
        return project_id if seen else None

    async def wait(self, opened: Opened, seconds: float) -> Frame:
        """What a client has been let in with, or if that is nothing, what comes within so many seconds."""
        first = opened.frame
        if first.ops or seconds <= 0:
            return first
        told: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()

        async def send(frame: Frame) -> None:
            if not told.done():
                told.set_result(frame)

        def on_end(reason: PastisError | None) -> None:
            if not told.done():
                told.set_exception(reason or PastisError(ErrorCode.OVERLOADED))

        feed = self.join(opened, send, on_end)
        try:
            frame = await asyncio.wait_for(told, seconds)
        except TimeoutError:
            return Frame(first.start, feed.here, b"")
        finally:
            feed.end()
        return Frame(first.start, frame.cursor, frame.ops)

    async def _enter(self, workspace_id: str) -> Hub:
        """The hub, as of now: a client may have been told by another process, which is ahead."""
        if self._closed:
            raise PastisError(ErrorCode.SERVER_STOPPING)
        hub = await self._hub(workspace_id)
        hub.idle_since = monotonic()
        await self._come_to_now(hub)
        return hub

    async def _hub(self, workspace_id: str) -> Hub:
        hub = self._hubs.get(workspace_id)
        if hub is not None:
            return hub
        opening = self._opening.get(workspace_id)
        if opening is None:
            opening = self._opening[workspace_id] = asyncio.create_task(self._open_hub(workspace_id))
            opening.add_done_callback(seen)
            opening.add_done_callback(lambda _: self._opening.pop(workspace_id, None))
        return await asyncio.shield(opening)

    async def _open_hub(self, workspace_id: str) -> Hub:
        log = await Following.open(self._database, self._clock, workspace_id)
        hub = Hub(log, self._people.keep, self.stats)
        self._hubs[workspace_id] = hub
        self._ids[log.rights.slug] = workspace_id
        return hub

    async def _come_to_now(self, hub: Hub) -> None:
        """Raises what `Following.follow` does; the hub ends then."""
        try:
            await hub.log.refresh()
        except PastisError as error:
            self._drop(hub, error)
            raise

    def _drop(self, hub: Hub, reason: PastisError) -> None:
        if self._hubs.get(hub.log.workspace_id) is hub:
            del self._hubs[hub.log.workspace_id]
        hub.end(reason)

    def _on_commit(self, workspace_id: str, events: list[Doc]) -> None:
        hub = self._hubs.get(workspace_id)
        if hub is not None:
            hub.log.publish(events)
            self._look_for(hub, events[-1]["seq"])

    def _on_ring(self, event_id: str) -> None:
        workspace_id, _, seq = event_id.rpartition(":")
        hub = self._hubs.get(workspace_id)
        if hub is not None:
            self._look_for(hub, int(seq))

    def _look_for(self, hub: Hub, seq: int) -> None:
        """Read what is missing, up to this number at least."""
        if hub.log.head < seq:
            self._spawn(self._come_to_now(hub))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tick_on(self, is_heard: Callable[[], bool]) -> None:
        heard = False
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if not (heard and is_heard()):
                self._credentials.doubt_all()
            heard = is_heard()
            await _logged(self._tick())

    async def _tick(self) -> None:
        """See to what no event tells: the doorbell may be silent, links and logins end, clients wait."""
        now = monotonic()
        for hub in list(self._hubs.values()):
            hub.tick(now)
            if not hub.feeds and now - hub.idle_since > LINGER_SECONDS:
                del self._hubs[hub.log.workspace_id]
        self._ids = {hub.log.rights.slug: id_ for id_, hub in self._hubs.items()}
        self._credentials.end_expired()
        await self._credentials.check()
        await self._people.tick()
        heads = await queries.heads(self._database, list(self._hubs)) if self._hubs else {}
        followed = [(self._hubs[id_], head) for id_, head in heads.items() if id_ in self._hubs]
        self.stats.lag = max((head["seq"] - hub.log.head for hub, head in followed), default=0)
        for hub, head in followed:
            await self._follow(hub, head)

    async def _follow(self, hub: Hub, head: Doc) -> None:
        try:
            await hub.log.follow(head)
        except PastisError as error:
            self._drop(hub, error)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    """What fails beside the requests is tried again later."""
    try:
        await work
    except PastisError:
        pass  # those whom it concerns have been told
    except Exception as error:
        if classify(error) is None:
            logger.exception("the streams stumbled")
        else:
            logger.warning("the streams wait for the database", error=type(error).__name__)
