"""Limits: how often may be guessed, mailed and asked."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic

from app.core.database.engine import Database
from app.core.errors import ErrorCode, PastisError
from app.core.origin import current_origin
from app.services.limits import devices, queries, rules
from app.services.limits.rules import Purpose, Rate

REMEMBERED_SECONDS = 5.0
"""How long a bucket is refused without asking: another process may have given back in the meantime."""
MAX_REMEMBERED = 10_000

Buckets = list[tuple[str, Rate]]


class LimitEngine:
    """One limiter for every verifier: logins, factors, link passwords, mails. One a process."""

    def __init__(self, database: Database, secrets: Sequence[bytes]) -> None:
        self._database = database
        self._secrets = secrets
        self._empty: dict[str, tuple[float, float]] = {}
        """Until when, on this process's clock, a bucket is refused without asking, and is empty."""

    @asynccontextmanager
    async def attempt(
        self, purpose: Purpose, account: str, *, device_token: str | None = None
    ) -> AsyncIterator[None]:
        """Count an attempt at proving something about an account; what succeeds is given back.

        `account` is its id, or an address as somebody typed it. The attempt is counted before the check, so
        that many at once are no way around it, and stays counted where the block raises anything. Raises
        `too_many_requests`, alike whether there is such an account.
        """
        taken = await self._take(self._buckets(purpose, account, device_token))
        yield
        await queries.give_back(self._database, [bucket_id for bucket_id, _ in taken])

    async def spend(self, purpose: Purpose, account: str) -> None:
        """Count a request for what costs somebody something, such as a mail; raises `too_many_requests`."""
        await self._take(self._buckets(purpose, account, None))

    def device_token(self, account: str, presented: str | None = None) -> str:
        """What lets an account know this device again: the token that it came with, or a new one."""
        token = presented or current_origin().device
        if token is not None and self._device(account, token) is not None:
            return token
        return devices.issue(self._secrets[0], rules.normal(account))

    def _device(self, account: str, token: str | None) -> str | None:
        return None if token is None else devices.read(self._secrets, rules.normal(account), token)

    def _buckets(self, purpose: Purpose, account: str, token: str | None) -> Buckets:
        origin = current_origin()
        device = self._device(account, token or origin.device)
        return list(rules.buckets(purpose, rules.normal(account), origin.address, device))

    async def _take(self, buckets: Buckets) -> Buckets:
        self._check_known(buckets)
        found = await asyncio.gather(
            *(queries.take(self._database, bucket_id, rate, 1) for bucket_id, rate in buckets)
        )
        waits = [
            (bucket_id, rate.seconds_until(taken.left, 1))
            for (bucket_id, rate), taken in zip(buckets, found, strict=True)
            if not taken.count
        ]
        if waits:
            self._remember(waits)
            given = [one[0] for one, taken in zip(buckets, found, strict=True) if taken.count]
            await queries.give_back(self._database, given)
            raise too_many(max(seconds for _, seconds in waits))
        return buckets

    def _check_known(self, buckets: Buckets) -> None:
        now = monotonic()
        known = (self._empty.get(bucket_id, (0.0, 0.0)) for bucket_id, _ in buckets)
        waits = [empty_until - now for refused_until, empty_until in known if refused_until > now]
        if waits:
            raise too_many(max(waits))

    def _remember(self, waits: Sequence[tuple[str, float]]) -> None:
        if len(self._empty) >= MAX_REMEMBERED:
            self._empty.clear()
        now = monotonic()
        for bucket_id, seconds in waits:
            self._empty[bucket_id] = (now + min(seconds, REMEMBERED_SECONDS), now + seconds)


def too_many(seconds: float) -> PastisError:
    return PastisError(ErrorCode.TOO_MANY_REQUESTS, headers={"Retry-After": str(max(1, math.ceil(seconds)))})
