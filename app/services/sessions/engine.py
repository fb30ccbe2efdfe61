"""Logins as documents: opened, refreshed, proven again, listed, ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.logging import get_logger
from app.core.security import derive_token, new_token, token_hash
from app.models.sessions import Session, SpentToken
from app.services.access import Access, AccountPrincipal
from app.services.audit import AuditEngine, AuditKind
from app.services.sessions import queries, rules
from app.utils.ids import new_id

ATTEMPTS = 3
"""Looks at a session that other requests rotate between the read and the write."""

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login hands out. Times are seconds from now."""

    access_token: str
    refresh_token: str
    expires_in: int
    """The access token's life."""
    lasts: int | None
    """The login's, where it outlives the browser."""
    device_token: str | None = None
    """What the account knows this device by; a refresh hands out none."""


class SessionEngine:
    def __init__(
        self,
        database: Database,
        access: Access,
        settings: Settings,
        secrets: Sequence[bytes],
        clock: Clock,
        audit: AuditEngine,
    ) -> None:
        """The first of the secrets derives tokens; what the others derived is still known."""
        self._database = database
        self._access = access
        self._settings = settings
        self._secrets = secrets
        self._clock = clock
        self._audit = audit

    async def open(
        self,
        user_id: str,
        *,
        remember_me: bool,
        client: str,
        address: str = "",
        methods: Sequence[str] = ("pwd",),
    ) -> Tokens:
        """A new login of a user on a device; `methods` say how it was proven who this is (RFC 8176)."""
        now = self._clock.now()
        ends = rules.session_end(self._settings, now, remember_me=remember_me)
        access, refresh = new_token(), new_token()
        session = Session(
            id=new_id(),
            user_id=user_id,
            access_hash=token_hash(access),
            access_expires_at=rules.access_end(self._settings, now, ends),
            refresh_hash=token_hash(refresh),
            rotated_at=now,
            remember_me=remember_me,
            client=client[:200],
            address=address,
            last_address=address,
            last_seen_at=now,
            methods=list(methods),
            authenticated_at=now,
            created_at=now,
            expires_at=ends,
        )
        await queries.insert(self._database, session)
        await self._audit.record(AuditKind.LOGIN_CREATE, user_id, methods=session.methods, session=session.id)
        return _handed_out(session, access, refresh, session.access_expires_at, now)

    async def refresh(self, refresh_token: str, *, address: str = "") -> Tokens:
        """The successors of a refresh token; asked again with the same token, the same successors.

        Raises `invalid_token` for a dead one. A replaced one that comes back after the grace ends the login.
        """
        presented, now = token_hash(refresh_token), self._clock.now()
        for _ in range(ATTEMPTS):
            session = await queries.find_by_refresh(self._database, presented, now)
            if session is None:
                await self._refuse_spent(presented, now)
                break
            if session.refresh_hash != presented:
                if not rules.in_grace(session.rotated_at, now):
                    await self._end_family(session.id)
                    break
                known = self._successors(session, refresh_token)
                if known is not None:
                    return _handed_out(session, *known, session.access_expires_at, now)
            tokens = await self._rotate(session, refresh_token, presented, now, address)
            if tokens is not None:
                return tokens
        raise PastisError(ErrorCode.INVALID_TOKEN)

    def _successors(self, session: Session, refresh_token: str) -> tuple[str, str] | None:
        """What the last rotation handed out; None where a secret did it that is not known any more."""
        for secret in self._secrets:
            access, refresh = _derive(secret, session.id, refresh_token)
            if token_hash(refresh) == session.refresh_hash:
                return access, refresh
        return None

    async def _rotate(
        self, session: Session, refresh_token: str, presented: str, now: datetime, address: str
    ) -> Tokens | None:
        """Replace the present tokens by the successors of this one; None where another request was faster.

        What the session will not know any more is kept first: a process that dies in between has
        remembered a token that still works.
        """
        current = session.refresh_hash == presented
        forgotten = session.previous_refresh_hash if current else session.refresh_hash
        if forgotten is not None:
            spent_at = session.rotated_at if current else now
            spent = SpentToken(
                id=forgotten, session_id=session.id, spent_at=spent_at, expires_at=session.expires_at
            )
            await queries.keep_spent(self._database, spent)
        access, successor = _derive(self._secrets[0], session.id, refresh_token)
        access_ends = rules.access_end(self._settings, now, session.expires_at)
        changes = {
            "access_hash": token_hash(access),
            "access_expires_at": access_ends,
            "previous_access_hash": session.access_hash,
            "previous_access_expires_at": rules.former_access_end(now, session.access_expires_at),
            "refresh_hash": token_hash(successor),
            "previous_refresh_hash": presented,
            "rotated_at": now if current else session.rotated_at,
            "last_seen_at": now,
            "last_address": address,
        }
        if not await queries.rotate(self._database, session, changes):
            return None
        return _handed_out(session, access, successor, access_ends, now)

    async def _refuse_spent(self, presented: str, now: datetime) -> None:
        """End the login of a token that was replaced long ago; a late duplicate ends nothing."""
        spent = await queries.find_spent(self._database, presented)
        if spent is not None and not rules.in_grace(spent.spent_at, now):
            await self._end_family(spent.session_id)

    async def _end_family(self, session_id: str) -> None:
        logger.warning("a replaced refresh token came back, its login ends", session=session_id)
        user_id = await self.end(session_id)
        if user_id is not None:
            await self._audit.record(AuditKind.LOGIN_REUSE, user_id, session=session_id)

    async def prove(self, session_id: str, methods: Sequence[str] = ()) -> None:
        """Note that somebody has just proven again who they are, and how (RFC 8176)."""
        await queries.update(self._database, session_id, {"authenticated_at": self._clock.now()})
        await self.strengthen(session_id, methods)

    async def strengthen(self, session_id: str, methods: Sequence[str]) -> None:
        """Note further ways in which it was proven who this is; that makes the login no fresher."""
        await queries.add_methods(self._database, session_id, methods)
        self._access.forget_credential(session_id)

    async def weaken(self, session_id: str) -> None:
        """Let a login count as made without a second factor."""
        await queries.weaken(self._database, session_id)
        self._access.forget_credential(session_id)

    async def list_own(self, principal: AccountPrincipal) -> list[dict[str, Any]]:
        """The living logins of a user, the newest first, without anything of their tokens."""
        now = self._clock.now()
        found = await queries.find_of_user(self._database, principal.user_id, now)
        return [_shown(one, principal) for one in found]

    async def get_own(self, principal: AccountPrincipal, session_id: str) -> dict[str, Any]:
        """Raises `not_found` alike for another user's login and one that is not there."""
        for shown in await self.list_own(principal):
            if shown["id"] == session_id:
                return shown
        raise not_found("session")

    async def note_uses(self, uses: Mapping[str, tuple[datetime, str]]) -> None:
        """Keep when and from where logins were last used, by their ids."""
        await queries.note_uses(self._database, uses)

    async def end(self, session_id: str) -> str | None:
        """Gives the account whose login it was, unless it had ended before."""
        user_id = await queries.delete(self._database, session_id)
        self._access.forget_credential(session_id)
        return user_id

    async def end_of(self, tokens: Sequence[str]) -> list[str]:
        """End the logins that these are tokens of, also expired ones; gives whose they were."""
        found = await queries.find_by_tokens(self._database, [token_hash(token) for token in tokens])
        return [user_id for one in found if (user_id := await self.end(one.id)) is not None]

    async def end_all(self, user_id: str) -> None:
        """End every login of a user."""
        await queries.delete_of_user(self._database, user_id)
        self._access.forget_user(user_id)

    async def end_others(self, user_id: str, session_id: str) -> None:
        """End every login of a user but this one."""
        await queries.delete_of_user(self._database, user_id, keep=session_id)
        self._access.forget_user(user_id)


def _derive(secret: bytes, session_id: str, refresh_token: str) -> tuple[str, str]:
    """The access and the refresh token that follow upon this one."""
    access, refresh = (
        derive_token(secret, f"{kind}:{session_id}", refresh_token) for kind in ("access", "refresh")
    )
    return access, refresh


def _handed_out(session: Session, access: str, refresh: str, access_ends: datetime, now: datetime) -> Tokens:
    lasts = _seconds(session.expires_at, now) if session.remember_me else None
    return Tokens(access, refresh, _seconds(access_ends, now), lasts)


def _seconds(until: datetime, now: datetime) -> int:
    return max(0, int((until - now).total_seconds()))


def _shown(session: Session, principal: AccountPrincipal) -> dict[str, Any]:
    return {
        "id": session.id,
        "current": session.id == principal.credential_id,
        "device": rules.device_name(session.client),
        "client": session.client,
        "address": session.address,
        "last_address": session.last_address,
        "last_seen_at": session.last_seen_at or session.rotated_at,
        "remember_me": session.remember_me,
        "methods": session.methods,
        "authenticated_at": session.authenticated_at,
        "created_at": session.created_at,
        "expires_at": session.expires_at,
    }
