"""Streams last as long as what let them in: a login (not its access token), an API token, a visit."""

from collections.abc import Callable
from dataclasses import replace

from app.core.clock import Clock
from app.core.errors import ErrorCode, PastisError
from app.core.rounds import Rounds
from app.services.access import Access
from app.services.sync.feed import Feed


class Credentials:
    def __init__(self, access: Access, clock: Clock, look: Callable[[], None]) -> None:
        """`look` is to call `check` soon."""
        self._access = access
        self._clock = clock
        self._look = look
        self._feeds: dict[str, set[Feed]] = {}
        """By credential, and by account."""
        self._doubted: set[str] = set()
        self.check = Rounds(self._check)
        """Find out which of those in doubt have ended, and end their streams."""
        access.leavers.append(self._doubt)

    def watch(self, feed: Feed) -> None:
        for id_ in _ids(feed):
            self._feeds.setdefault(id_, set()).add(feed)
        # It may have ended since it let the request in.
        self._doubt(feed.viewer.principal.credential_id)

    def forget(self, feed: Feed) -> None:
        for id_ in _ids(feed):
            feeds = self._feeds.get(id_, set())
            feeds.discard(feed)
            if not feeds:
                self._feeds.pop(id_, None)

    def doubt_all(self) -> None:
        """Of what other processes have ended, nothing may have been heard."""
        for id_ in self._feeds:
            self._doubt(id_)

    def end_expired(self) -> None:
        now = self._clock.now()
        feeds = [feed for of_one in self._feeds.values() for feed in of_one]
        for feed in feeds:
            if feed.expires_at is not None and feed.expires_at <= now:
                feed.end(PastisError(ErrorCode.INVALID_TOKEN))

    def _doubt(self, id_: str) -> None:
        if id_ not in self._feeds:
            return
        if not self._doubted:
            self._look()
        self._doubted.add(id_)

    async def _check(self) -> None:
        doubted, self._doubted = self._doubted, set()
        feeds = {feed for id_ in doubted for feed in self._feeds.get(id_, ())}
        if not feeds:
            return
        try:
            living = await self._access.living({feed.viewer.principal for feed in feeds})
        except BaseException:
            self._doubted |= doubted
            raise
        for feed in feeds:
            principal = feed.viewer.principal
            life = living.get(principal.credential_id)
            if life is None:
                feed.end(PastisError(ErrorCode.INVALID_TOKEN))
                continue
            feed.expires_at = life.expires_at
            if life.methods != principal.methods:
                feed.viewer = replace(feed.viewer, principal=replace(principal, methods=life.methods))
                feed.hub.weigh([feed])


def _ids(feed: Feed) -> list[str]:
    principal = feed.viewer.principal
    return [principal.credential_id] + ([] if principal.user_id is None else [principal.user_id])
