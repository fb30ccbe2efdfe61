"""Visits: what somebody gets who opens a link, and the passwords that stand before it."""

from dataclasses import dataclass

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.core.security import hash_password, new_token, token_hash, verify_password
from app.models.links import VISIT_PREFIX, Visit
from app.services.audit import AuditEngine, AuditKind
from app.services.limits import LimitEngine, Purpose
from app.services.links import queries, rules
from app.utils.ids import new_id


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that was opened, and the token of the visit."""

    link: Doc
    token: str
    expires_in: int
    """Seconds."""


class VisitEngine:
    """One a process. `secrets` are the server's: the first makes links, all of them open links."""

    def __init__(
        self,
        database: Database,
        secrets: list[bytes],
        clock: Clock,
        limits: LimitEngine,
        audit: AuditEngine,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._clock = clock
        self._limits = limits
        self._audit = audit

    def link_token(self, link_id: str) -> str:
        return rules.link_token(self._secrets[0], link_id)

    async def open(self, token: str, password: str | None) -> Opened:
        """Begin a visit.

        Raises `invalid_link` alike for a link that was never there and one that opens no more,
        `password_required`, `invalid_credentials` and `too_many_requests`.
        """
        now = self._clock.now()
        link_id = rules.link_of(token, self._secrets)
        link = None if link_id is None else await queries.open_link(self._database, link_id, now)
        if link is None:
            raise PastisError(ErrorCode.INVALID_LINK)
        if link["has_password"]:
            await self._check_password(link, password)
        secret = VISIT_PREFIX + new_token()
        visit = Visit(
            id=new_id(),
            link_id=link["_id"],
            token_hash=token_hash(secret),
            created_at=now,
            expires_at=rules.visit_end(now, link["expires_at"]),
        )
        await queries.insert_visit(self._database, visit)
        return Opened(link, secret, int((visit.expires_at - now).total_seconds()))

    async def _check_password(self, link: Doc, password: str | None) -> None:
        if password is None:
            raise PastisError(ErrorCode.PASSWORD_REQUIRED)
        async with self._limits.attempt(Purpose.LINK_PASSWORD, link["_id"]):
            # A link whose password was not kept yet, or not any more, is shut.
            if await verify_password(password, await queries.password_hash(self._database, link["_id"])):
                return
            await self._audit.record(
                AuditKind.LINK_FAIL, workspace_id=link["workspace_id"], actor=_NOBODY, link=link["_id"]
            )
            raise PastisError(ErrorCode.INVALID_CREDENTIALS, kind="link")

    async def set_password(self, link_id: str, password: str | None) -> None:
        """Put a password before a link, or take it away; whoever came in by the former one leaves."""
        if password is None:
            await queries.forget_password(self._database, link_id)
        else:
            await queries.keep_password(self._database, link_id, await hash_password(password))
        await queries.delete_visits(self._database, link_id)

    async def end(self, link_id: str) -> None:
        """Forget what belongs to a link that is gone."""
        await queries.forget_password(self._database, link_id)
        await queries.delete_visits(self._database, link_id)


_NOBODY = {"kind": "link", "user_id": None, "membership_id": None}
