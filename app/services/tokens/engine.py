"""API tokens: made, shown without their secret, ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError, not_found
from app.core.security import new_token, token_hash
from app.models.memberships import Role
from app.models.tokens import ApiToken, TokenKind
from app.schemas.tokens import TokenCreate
from app.services.access import Access, AccountPrincipal, Scope
from app.services.access.rules import check_end
from app.services.audit import AuditEngine, AuditKind
from app.services.memberships.rules import check_manage
from app.services.tokens import queries, rules
from app.utils.ids import new_id


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose tokens these are: an account's, or a service account's, which an `actor` looks after."""

    user_id: str | None = None
    workspace_id: str | None = None
    membership_id: str | None = None
    actor: Mapping[str, Any] | None = None
    methods: tuple[str, ...] = ()
    """How the login that asks was proven, as RFC 8176 names it."""

    @property
    def kind(self) -> TokenKind:
        return TokenKind.SERVICE if self.user_id is None else TokenKind.PERSONAL

    @property
    def query(self) -> Doc:
        names = ("user_id",) if self.user_id is not None else ("workspace_id", "membership_id")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token with its secret, which nobody can read again."""

    token: ApiToken
    secret: str


def of_account(principal: AccountPrincipal) -> Owner:
    """An account, whose tokens count as having proven what this login has."""
    return Owner(user_id=principal.user_id, methods=principal.methods)


async def of_service(scope: Scope, membership_id: str) -> Owner:
    """A service account, for who may manage its role.

    Raises `not_found` for what is no present service account, `permission_denied`.
    """
    found = await queries.service_account(scope, membership_id)
    if found is None:
        raise not_found("service_account")
    check_manage(scope.standing.rank, Role(found["role"]))
    return Owner(workspace_id=scope.workspace_id, membership_id=membership_id, actor=scope.context.actor)


class TokenEngine:
    def __init__(
        self, database: Database, access: Access, settings: Settings, clock: Clock, audit: AuditEngine
    ) -> None:
        self._database = database
        self._access = access
        self._address_kept = timedelta(days=settings.last_address_days)
        self._clock = clock
        self._audit = audit

    async def create(self, owner: Owner, data: TokenCreate) -> NewToken:
        """Raises `limit_reached`, `validation_failed` for scopes that name nothing or an end that is past."""
        now = self._clock.now()
        rules.check_scopes(data.scopes)
        check_end(data.expires_at, now)
        if len(await queries.find_of(self._database, owner.query, now)) >= rules.MAX_TOKENS:
            raise PastisError(ErrorCode.LIMIT_REACHED, kind="token", limit=rules.MAX_TOKENS)
        secret = owner.kind.prefix + new_token()
        given = "expires_at" in data.model_fields_set
        token = ApiToken(
            id=new_id(),
            kind=owner.kind,
            user_id=owner.user_id,
            workspace_id=owner.workspace_id,
            membership_id=owner.membership_id,
            name=data.name,
            hint=secret[-rules.HINT_LENGTH :],
            token_hash=token_hash(secret),
            scopes=data.scopes,
            methods=list(owner.methods),
            created_at=now,
            expires_at=data.expires_at if given else now + rules.LIFE,
        )
        await queries.insert(self._database, token)
        await self._record(AuditKind.TOKEN_CREATE, owner, token.id, scopes=token.scopes)
        return NewToken(token, secret)

    async def list_of(self, owner: Owner) -> list[ApiToken]:
        """The living ones, the newest first."""
        return await queries.find_of(self._database, owner.query, self._clock.now())

    async def get(self, owner: Owner, token_id: str) -> ApiToken:
        """Raises `not_found` alike for another's token and one that is not there."""
        for token in await self.list_of(owner):
            if token.id == token_id:
                return token
        raise not_found("token")

    async def delete(self, owner: Owner, token_id: str) -> None:
        """End a token for good: what shows it is refused in every process within a second."""
        if not await queries.delete(self._database, owner.query, token_id):
            raise not_found("token")
        self._access.forget_credential(token_id)
        await self._record(AuditKind.TOKEN_DELETE, owner, token_id)

    async def erase(self, user_id: str) -> None:
        """End all tokens of an account."""
        await queries.delete_of(self._database, {"user_id": user_id})
        self._access.forget_user(user_id)

    async def weaken(self, user_id: str) -> None:
        """Let the tokens of an account count as made without a second factor."""
        await queries.weaken(self._database, user_id)
        self._access.forget_user(user_id)

    async def note_uses(self, uses: Mapping[str, tuple[datetime, str]]) -> None:
        """Keep when and from where tokens were last used, by their ids."""
        await queries.note_uses(self._database, uses)

    async def forget_addresses(self) -> None:
        """Forget from where tokens were last used that have not been used for long."""
        await queries.forget_addresses(self._database, self._clock.now() - self._address_kept)

    async def _record(self, kind: AuditKind, owner: Owner, token_id: str, **detail: Any) -> None:
        if owner.membership_id is not None:
            detail["membership"] = owner.membership_id
        await self._audit.record(
            kind, owner.user_id, workspace_id=owner.workspace_id, actor=owner.actor, token=token_id, **detail
        )
