"""Logging in with an identity, and linking one to an account."""

from dataclasses import dataclass
from datetime import timedelta

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.errors import ErrorCode, FieldCode, FieldError, PastisError, not_found
from app.core.oidc_settings import IdentityPolicy, OidcProvider
from app.core.outbound import Outbound
from app.core.security import derive_token, new_token, token_hash
from app.core.unit_of_work import Context
from app.models.identities import Identity, IdentityRequest
from app.models.users import User
from app.services.audit import AuditEngine, AuditKind
from app.services.auth import AuthEngine
from app.services.identities import queries, rules
from app.services.identities.oidc import Attempt, OidcSource
from app.services.identities.sources import Proof
from app.services.memberships import GroupMemberships
from app.services.sessions import Tokens
from app.services.users import UserEngine
from app.utils.ids import new_id

LIFETIME = timedelta(minutes=10)
"""How long somebody may take to log in at the provider."""


@dataclass(frozen=True, slots=True)
class Started:
    """Where to go, and what only this browser has and must show when it comes back."""

    authorization_url: str
    browser_token: str


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back from the provider, with what the browser kept."""

    code: str
    state: str
    browser_token: str
    iss: str | None


class IdentityEngine:
    def __init__(
        self,
        database: Database,
        users: UserEngine,
        auth: AuthEngine,
        memberships: GroupMemberships,
        settings: Settings,
        secret: bytes,
        clock: Clock,
        audit: AuditEngine,
    ) -> None:
        self._database = database
        self._users = users
        self._auth = auth
        self._memberships = memberships
        self._settings = settings
        self._secret = secret
        self._clock = clock
        self._audit = audit
        self._outbound = Outbound()
        self._sources = {
            one.id: OidcSource(one, self._outbound, clock) for one in settings.identity_providers
        }

    def providers(self) -> list[OidcProvider]:
        """The providers, in the order in which the operator names them."""
        return [source.provider for source in self._sources.values()]

    async def start(
        self, provider_id: str, redirect_uri: str | None, *, remember_me: bool, user_id: str | None = None
    ) -> Started:
        """Begin a login, or the linking to an account.

        Raises `not_found`, `identity_provider_unavailable`, and `validation_failed` for an address to
        return to that is none of our front ends'.
        """
        source = self._source(provider_id)
        redirect_uri = redirect_uri or f"{self._settings.public_url}/auth/oidc/{provider_id}"
        rules.check_return(redirect_uri, (self._settings.public_url, *self._settings.cors_origins))
        state, browser_token = new_token(), new_token()
        address = await source.authorization_url(self._attempt(state, browser_token, redirect_uri))
        request = IdentityRequest(
            id=token_hash(state),
            provider=provider_id,
            browser_hash=token_hash(browser_token),
            redirect_uri=redirect_uri,
            remember_me=remember_me,
            user_id=user_id,
            expires_at=self._clock.now() + LIFETIME,
        )
        await queries.insert_request(self._database, request)
        return Started(address, browser_token)

    async def finish(self, provider_id: str, returned: Returned, *, client: str, address: str = "") -> Tokens:
        """Log in with what the provider proves; somebody new gets an account where that is set.

        Raises `not_found` for a login that is not this browser's, is over or was finished already,
        `identity_refused`, `identity_provider_unavailable`, `identity_unknown`, `account_exists`,
        `invalid_credentials` for an account that is deactivated; and as `AuthEngine.admit`.
        """
        policy = self._source(provider_id).provider
        request, proof = await self._prove(provider_id, returned, None)
        user, identity = await self._account(policy, proof)
        if not user.active:
            raise PastisError(ErrorCode.INVALID_CREDENTIALS)
        await self._seen(policy, user, identity, proof)
        return await self._auth.admit(
            user, proof.methods, remember_me=request.remember_me, client=client, address=address
        )

    async def link(self, provider_id: str, returned: Returned, user_id: str) -> Identity:
        """Let an account log in with what the provider proves; raises as `finish`, and `already_exists`."""
        policy = self._source(provider_id).provider
        _, proof = await self._prove(provider_id, returned, user_id)
        user = await self._users.get(user_id)
        identity = self._identity(provider_id, proof, user_id)
        if not await queries.insert(self._database, identity):
            known = await queries.find(self._database, proof.issuer, proof.subject)
            if known is None or known.user_id != user_id:
                taken = FieldError("/code", FieldCode.TAKEN, {"value": ""})
                raise PastisError(ErrorCode.ALREADY_EXISTS, errors=[taken], kind="identity")
            identity = known
        await self._seen(policy, user, identity, proof)
        await self._audit.record(AuditKind.IDENTITY_LINK, user_id, provider=provider_id)
        return identity

    async def of_user(self, user_id: str) -> list[Identity]:
        return await queries.of_user(self._database, user_id)

    async def remove(self, user_id: str, identity_id: str) -> None:
        """Unlink an identity; what its groups gave ends with it. Raises `not_found`, `last_identity`."""
        mine = {one.id: one for one in await self.of_user(user_id)}
        if identity_id not in mine:
            raise not_found("identity")
        user = await self._users.get(user_id)
        if user.password_hash is None and len(mine) == 1:
            raise PastisError(ErrorCode.LAST_IDENTITY)
        await self._memberships.follow(user, identity_id, {}, _context(user, mine[identity_id].provider))
        await queries.delete(self._database, identity_id)
        await self._audit.record(AuditKind.IDENTITY_UNLINK, user_id, provider=mine[identity_id].provider)

    async def erase(self, user_id: str) -> None:
        """Delete what an account that is being deleted has here."""
        await queries.delete_of_user(self._database, user_id)

    async def close(self) -> None:
        await self._outbound.close()

    def _source(self, provider_id: str) -> OidcSource:
        source = self._sources.get(provider_id)
        if source is None:
            raise not_found("identity_provider")
        return source

    def _attempt(self, state: str, browser_token: str, redirect_uri: str) -> Attempt:
        """Nonce and verifier follow from what only the browser has, so that nothing of them is kept."""
        nonce = derive_token(self._secret, "oidc-nonce", browser_token)
        verifier = derive_token(self._secret, "oidc-verifier", browser_token)
        return Attempt(state, nonce, verifier, redirect_uri)

    async def _prove(
        self, provider_id: str, returned: Returned, user_id: str | None
    ) -> tuple[IdentityRequest, Proof]:
        """Spend the request, which must be for this provider, this browser and this account."""
        source = self._source(provider_id)
        query = {
            "_id": token_hash(returned.state),
            "provider": provider_id,
            "browser_hash": token_hash(returned.browser_token),
            "user_id": user_id,
        }
        request = await queries.take_request(self._database, query, self._clock.now())
        if request is None:
            raise not_found("login")
        attempt = self._attempt(returned.state, returned.browser_token, request.redirect_uri)
        return request, await source.prove(returned.code, attempt, returned.iss)

    async def _account(self, policy: IdentityPolicy, proof: Proof) -> tuple[User, Identity]:
        """Whose identity it is. An address alone never says so: it may have been given to somebody else."""
        identity = await queries.find(self._database, proof.issuer, proof.subject)
        known = None if identity is None else await self._users.find(identity.user_id)
        if identity is not None and known is not None:
            return known, identity
        email = proof.email
        if email is not None and proof.email_verified and await self._users.find_by_email(email):
            raise PastisError(ErrorCode.ACCOUNT_EXISTS)
        if email is None or not rules.may_create(policy, proof):
            raise PastisError(ErrorCode.IDENTITY_UNKNOWN)
        # The identity first: one whose account was never made gets it at the next login.
        identity = identity or await self._kept(self._identity(policy.id, proof, new_id()))
        made = await self._users.create_without_password(identity.user_id, email, rules.name_of(proof))
        if made is not None:
            await self._audit.record(AuditKind.ACCOUNT_CREATE, made.id, provider=policy.id)
        user = made or await self._users.find(identity.user_id)
        if user is None:
            raise PastisError(ErrorCode.ACCOUNT_EXISTS)
        return user, identity

    async def _kept(self, identity: Identity) -> Identity:
        """The identity as it is in the database, where a login at the same time may have been faster."""
        if await queries.insert(self._database, identity):
            return identity
        return await queries.find(self._database, identity.issuer, identity.subject) or identity

    def _identity(self, provider_id: str, proof: Proof, user_id: str) -> Identity:
        now = self._clock.now()
        return Identity(
            id=new_id(),
            user_id=user_id,
            provider=provider_id,
            issuer=proof.issuer,
            subject=proof.subject,
            email=proof.email,
            created_at=now,
            last_used_at=now,
        )

    async def _seen(self, policy: IdentityPolicy, user: User, identity: Identity, proof: Proof) -> None:
        """Note the login, and have the roles follow the groups, before the login is there to use them."""
        roles = rules.roles_of(proof.groups, policy.group_roles)
        await self._memberships.follow(user, identity.id, roles, _context(user, policy.id))
        changes = {"provider": policy.id, "email": proof.email, "last_used_at": self._clock.now()}
        await queries.used(self._database, identity.id, changes)


def _context(user: User, provider_id: str) -> Context:
    """How the log names a change that groups made."""
    actor = {"kind": "identity_source", "user_id": user.id, "membership_id": None}
    return Context(actor, {"channel": "oidc", "client": provider_id, "request_id": None})
