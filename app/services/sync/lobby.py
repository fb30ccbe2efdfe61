"""Tells sockets who else is here: soon, but not of every keystroke, and only the present state."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic
from typing import Any

from app.core.background import run_now
from app.core.documents import Doc
from app.services.sync.feed import Feed
from app.services.sync.presence import People, Person, Shown, difference
from app.services.sync.rules import RoleOf

PAUSE_SECONDS = 0.2
"""What happens within it is told at once."""


class Visitor:
    """A socket that is told; `told` is what it knows."""

    __slots__ = ("busy", "person", "send", "told")

    def __init__(self, person: Person, send: Callable[[Doc], Awaitable[None]]) -> None:
        self.person = person
        self.send = send
        self.told: Shown = {}
        self.busy = False


class Lobby:
    def __init__(self, role_of: RoleOf, keep: Callable[[], None]) -> None:
        """`keep` is to let other processes know of ours, soon."""
        self.people = People()
        self._role_of = role_of
        self._keep = keep
        self._visitors: dict[Feed, Visitor] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        return bool(self._visitors)

    def enter(self, feed: Feed, person: Person, send: Callable[[Doc], Awaitable[None]]) -> None:
        self._visitors[feed] = Visitor(person, send)
        self.be(feed, person)

    def be(self, feed: Feed, person: Person) -> None:
        """Somebody is elsewhere than before."""
        if feed in self._visitors:
            self.people.own[person.connection_id] = person
            self._keep()
            self.touch()

    def leave(self, feed: Feed) -> None:
        visitor = self._visitors.pop(feed, None)
        if visitor is not None:
            self.people.own.pop(visitor.person.connection_id, None)
            self._keep()
            self.touch()

    def hear(self, written: Iterable[Doc]) -> None:
        """What other processes have written of theirs."""
        if self.people.hear(written, monotonic()):
            self.touch()

    def heed(self, events: Iterable[Doc]) -> None:
        """Follow tasks into other projects."""
        for event in events:
            for op in event["ops"]:
                if op["kind"] == "task" and op["verb"] == "update" and "project_id" in op["set"]:
                    self.people.move(op["id"], op["set"]["project_id"])
                    self.touch()

    def touch(self) -> None:
        """Tell what is new, soon."""
        if self._timer is None and self._visitors:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._tell_all)

    def _tell_all(self) -> None:
        self._timer = None
        views: dict[str, Shown] = {}
        steps: dict[tuple[int, int], Doc | None] = {}
        for feed, visitor in list(self._visitors.items()):
            if visitor.busy:
                self.touch()  # it is told later, then all at once
                continue
            audience = feed.audience
            if audience.digest not in views:
                views[audience.digest] = self.people.shown(audience.view, self._role_of)
            now = views[audience.digest]
            key = (id(visitor.told), id(now))
            if key not in steps:
                steps[key] = difference(visitor.told, now)
            if steps[key] is not None:
                self._tell(visitor, now, steps[key])

    def _tell(self, visitor: Visitor, now: Shown, step: Any) -> None:
        visitor.told, visitor.busy = now, True
        task = run_now(_send(visitor, step))
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _send(visitor: Visitor, step: Doc) -> None:
    try:
        await visitor.send(step)
    except OSError:
        pass  # it has left, which its own task finds out
    finally:
        visitor.busy = False
