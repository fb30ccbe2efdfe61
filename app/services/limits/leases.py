"""The API's limit: buckets that all processes share, of which each spends portions by itself."""

import asyncio
from time import monotonic

from app.core.database.engine import Database
from app.core.database.errors import classify
from app.services.limits import queries
from app.services.limits.rules import MINUTE, Rate, bucket_id

PORTIONS = 60
"""A portion is this part of a full bucket: at the full rate each process asks about once a second."""
MAX_LEASES = 20_000


class Lease:
    """What a process may still spend for a key, and what the shared bucket held besides."""

    __slots__ = ("empty_until", "shared", "tokens")

    def __init__(self) -> None:
        self.tokens = 0
        self.shared = 0.0
        self.empty_until = 0.0


class Leases:
    """The leases of one limit in one process.

    All processes together grant at most what the shared bucket gives out. What they have leased and not
    spent may come on top of a later window: a portion each.
    """

    def __init__(self, database: Database, name: str, per_minute: int) -> None:
        self.rate = Rate(per_minute, per_minute / MINUTE)
        self.label = f'"{name}"'.encode()
        self.policy = b"%b;q=%d;w=60" % (self.label, per_minute)
        self.portion = max(1, per_minute // PORTIONS)
        self._database = database
        self._name = name
        self._leases: dict[str, Lease] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    def spend(self, key: str) -> Lease | None:
        """Spend a token at the cost of a look-up; None where the shared bucket has to be asked."""
        lease = self._leases.get(key)
        if lease is None or lease.tokens < 1:
            return None
        lease.tokens -= 1
        return lease

    async def ask(self, key: str) -> tuple[Lease, bool]:
        """Spend a token, of a new portion if need be; false where there is none."""
        while True:
            lease = self.spend(key)
            if lease is not None:
                return lease, True
            lease = self._lease(key)
            if lease.empty_until > monotonic():
                return lease, False
            # Requests that come together ask once.
            asking = self._asking.get(key)
            if asking is None:
                asking = self._asking[key] = asyncio.create_task(self._take(key, lease))
                asking.add_done_callback(lambda _: self._asking.pop(key, None))
            await asyncio.shield(asking)

    def seconds_until(self, lease: Lease) -> float:
        """How long whoever was refused has to wait."""
        return max(0.0, lease.empty_until - monotonic())

    def left(self, lease: Lease) -> int:
        return lease.tokens + int(lease.shared)

    def _lease(self, key: str) -> Lease:
        lease = self._leases.get(key)
        if lease is None:
            if len(self._leases) >= MAX_LEASES:
                self._leases.clear()
            lease = self._leases[key] = Lease()
        return lease

    async def _take(self, key: str, lease: Lease) -> None:
        try:
            taken = await queries.take(
                self._database, bucket_id("api", self._name, key), self.rate, self.portion
            )
        except Exception as error:
            if classify(error) is None:
                raise
            # The request will hear of the database from whoever needs it; what needs none is answered.
            lease.tokens, lease.shared = self.portion, 0.0
            return
        lease.tokens, lease.shared = taken.count, taken.left
        if not taken.count:
            lease.empty_until = monotonic() + self.rate.seconds_until(taken.left, 1)
