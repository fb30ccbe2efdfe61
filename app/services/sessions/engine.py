"""Logins as documents: opened, refreshed, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.errors import ErrorCode, PastisError
from app.core.security import derive_token, new_token, token_hash
from app.models.sessions import Session
from app.services.access import Access
from app.services.sessions import queries, rules
from app.services.sessions.rules import Presented
from app.utils.ids import new_id


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login hands out. `expires_in` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class SessionEngine:
    def __init__(
        self, database: Database, access: Access, settings: Settings, secret: bytes, clock: Clock
    ) -> None:
        self._database = database
        self._access = access
        self._settings = settings
        self._secret = secret
        self._clock = clock

    async def open(
        self, user_id: str, *, remember_me: bool, client: str, methods: Sequence[str] = ("pwd",)
    ) -> Tokens:
        """A new login of a user on a device; `methods` say how it was proven who this is (RFC 8176)."""
        now = self._clock.now()
        ends = rules.session_end(self._settings, now, remember_me=remember_me)
        access_ends = rules.access_end(self._settings, now, ends)
        access, refresh = new_token(), new_token()
        session = Session(
            id=new_id(),
            user_id=user_id,
            access_hash=token_hash(access),
            access_expires_at=access_ends,
            refresh_hash=token_hash(refresh),
            rotated_at=now,
            remember_me=remember_me,
            client=client[:200],
            methods=list(methods),
            authenticated_at=now,
            created_at=now,
            expires_at=ends,
        )
        await queries.insert(self._database, session)
        return _tokens(access, refresh, now, access_ends)

    async def refresh(self, refresh_token: str) -> Tokens:
        """The successors of a refresh token; asked again with the same token, the same successors.

        Raises `invalid_token` for a dead one. A former token that comes back after the grace ends the login.
        """
        presented, now = token_hash(refresh_token), self._clock.now()
        # A second look only where another request rotated this very token between the read and the write.
        for _ in range(2):
            session = await queries.find_by_refresh(self._database, presented, now)
            if session is None:
                raise PastisError(ErrorCode.INVALID_TOKEN)
            kind = rules.classify(session, presented, now)
            if kind is Presented.REUSED:
                await self.end(session.id)
                raise PastisError(ErrorCode.INVALID_TOKEN)
            access = derive_token(self._secret, f"access:{session.id}", refresh_token)
            successor = derive_token(self._secret, f"refresh:{session.id}", refresh_token)
            if kind is Presented.LOST_ANSWER:
                return _tokens(access, successor, now, session.access_expires_at)
            access_ends = rules.access_end(self._settings, now, session.expires_at)
            changes = {
                "access_hash": token_hash(access),
                "access_expires_at": access_ends,
                "refresh_hash": token_hash(successor),
                "previous_refresh_hash": presented,
                "rotated_at": now,
            }
            if await queries.rotate(self._database, session.id, presented, changes):
                self._access.forget_session(session.id)
                return _tokens(access, successor, now, access_ends)
        raise PastisError(ErrorCode.INVALID_TOKEN)

    async def end(self, session_id: str) -> None:
        await queries.delete(self._database, session_id)
        self._access.forget_session(session_id)

    async def end_all(self, user_id: str) -> None:
        """End every login of a user."""
        await queries.delete_of_user(self._database, user_id)
        self._access.forget_user(user_id)

    async def end_others(self, user_id: str, session_id: str) -> None:
        """End every login of a user but this one."""
        await queries.delete_of_user(self._database, user_id, keep=session_id)
        self._access.forget_user(user_id)


def _tokens(access: str, refresh: str, now: datetime, access_ends: datetime) -> Tokens:
    return Tokens(access, refresh, max(0, int((access_ends - now).total_seconds())))
