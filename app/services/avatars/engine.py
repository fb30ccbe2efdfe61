"""The pictures of accounts: put, shown, taken away."""

import asyncio
import hashlib

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import not_found
from app.models.avatars import Avatar
from app.services.avatars import queries
from app.services.avatars.drawing import draw
from app.services.users import UserEngine


class AvatarEngine:
    def __init__(self, database: Database, users: UserEngine, clock: Clock) -> None:
        self._database = database
        self._users = users
        self._clock = clock

    async def put(self, user_id: str, content: bytes) -> Avatar:
        """Keep what is seen of an upload; raises `validation_failed` for what is no picture."""
        drawn = await asyncio.to_thread(draw, content)
        version = hashlib.sha256(drawn).hexdigest()[:24]
        avatar = Avatar(id=user_id, content=drawn, version=version, updated_at=self._clock.now())
        await queries.put(self._database, avatar)
        await self._users.update(user_id, {"avatar_version": version})
        return avatar

    async def get(self, user_id: str | None) -> Avatar:
        """Raises `not_found` where there is none, or no account."""
        found = None if user_id is None else await queries.find(self._database, user_id)
        if found is None:
            raise not_found("avatar")
        return found

    async def of_member(self, membership: Doc) -> Avatar:
        """Of somebody in the same workspace; raises `not_found` also for who has left it."""
        return await self.get(membership["user_id"] if membership["removed_at"] is None else None)

    async def delete(self, user_id: str) -> None:
        """Take it away, if there is one."""
        await self._users.update(user_id, {"avatar_version": None})
        await self.erase(user_id)

    async def erase(self, user_id: str) -> None:
        """Delete what an account that is being erased has here."""
        await queries.delete(self._database, user_id)
