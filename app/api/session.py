"""What a request shows for a login: a bearer token, or the cookies of a browser, which need more proof."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.limits import count_request
from app.api.network import DEVICE_COOKIE, client_address
from app.core.config import Settings
from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.services.access import AccountScope, Credential, Principal, PrincipalKind, looks_like_account
from app.services.access import Scope as AccessScope
from app.services.bootstrap import Services
from app.services.sessions import Tokens

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_READ = frozenset(
    {b"authorization", b"cookie", b"host", b"origin", b"pastis-client", b"sec-fetch-site", b"user-agent"}
)
MAX_CLIENT = 200
MAX_REF = 60
DEVICE_SECONDS = 400 * 24 * 3600  # browsers keep nothing longer


class Cookies:
    """The two cookies of a browser's login: which names they have, how they are set and cleared.

    With HTTPS their names begin with `__Host-`, so that no other host of the domain can have set them.
    """

    def __init__(self, *, secure: bool) -> None:
        prefix = "__Host-" if secure else ""
        self._secure = secure
        self.schemes = ("https",) if secure else ("http", "https")
        """Of the pages that these cookies are with."""
        self.access = f"{prefix}pastis_access"
        self.refresh = f"{prefix}pastis_refresh"
        self.device = f"{prefix}{DEVICE_COOKIE}"

    def set(self, response: Response, tokens: Tokens) -> None:
        """Without `lasts` they end with the browser. What tells the device outlives every login."""
        for name, value in ((self.access, tokens.access_token), (self.refresh, tokens.refresh_token)):
            self._put(response, name, value, tokens.lasts)
        if tokens.device_token is not None:
            self._put(response, self.device, tokens.device_token, DEVICE_SECONDS)

    def clear(self, response: Response) -> None:
        for name in (self.access, self.refresh):
            self._put(response, name, "", 0)

    def _put(self, response: Response, name: str, value: str, max_age: int | None) -> None:
        response.set_cookie(
            name, value, max_age, path="/", secure=self._secure, httponly=True, samesite="lax"
        )


class SessionLayer:
    """Leaves the `Caller` of each request in its `state`, where the gate and the fast lane find it."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._cookies = Cookies(secure=settings.cookie_secure)
        public = urlsplit(settings.public_url)
        self._origins = frozenset({f"{public.scheme}://{public.netloc}", *settings.cors_origins})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        # A command that came over a socket is its owner's.
        owner: Caller | None = state.get("caller")
        state["caller"] = Caller(scope, self._cookies, self._origins, owner)
        try:
            await self._app(scope, receive, send)
        finally:
            # It holds the scope: else each request would wait for the garbage collector.
            del state["caller"]


class Caller:
    """Whoever sent a request. The login is looked up when a route asks for it, and not before.

    So a public route neither waits for the database nor fails for a token that is dead.
    """

    __slots__ = ("_headers", "_origins", "_scope", "cookies", "credential")

    def __init__(
        self, scope: Scope, cookies: Cookies, origins: frozenset[str], owner: "Caller | None" = None
    ) -> None:
        self.credential: Credential | None = None if owner is None else owner.credential
        """What a socket was opened with, by its id: the socket outlasts the access token."""
        self._scope = scope
        self._origins = origins
        self.cookies = cookies
        self._headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            if name in _READ:
                self._headers.setdefault(name, []).append(value)

    @property
    def address(self) -> str:
        return client_address(self._scope)

    @property
    def client(self) -> str | None:
        """The user agent, cut."""
        client = self._header(b"user-agent")
        return None if client is None else client[:MAX_CLIENT]

    async def enter(self, workspace: str) -> AccessScope:
        """The scope of the caller in a workspace; raises what `token` does and `Access.enter`."""
        token = self.credential or self.token()
        if len(workspace) > MAX_REF:
            raise invalid("/path/workspace", FieldCode.TOO_LONG, limit=MAX_REF)
        services = services_in(self._scope)
        try:
            scope = await services.access.enter(token, workspace, self._source())
        except PastisError as error:
            await self._count_refused(error)
            raise
        await self._note(services, scope.standing.principal)
        return scope

    async def open_socket(self, workspace: str, ticket: str | None) -> AccessScope:
        """The scope of whoever opens a socket, by a bearer token or a ticket; raises what `enter` does.

        Cookies count for nothing: any site's page can open a socket with them.
        """
        if ticket is not None:
            if self._headers.get(b"authorization"):
                raise PastisError(ErrorCode.BOTH_CREDENTIALS)
            try:
                self.credential = await services_in(self._scope).sync.tickets.spend(ticket)
            except PastisError as error:
                await self._count_refused(error)
                raise
        self._headers.pop(b"cookie", None)
        scope = await self.enter(workspace)
        principal = scope.standing.principal
        if self.credential is not None and self.credential.workspace_id != scope.workspace_id:
            raise PastisError(ErrorCode.INVALID_TOKEN)
        self.credential = Credential(principal.kind, principal.credential_id, scope.workspace_id)
        return scope

    async def account(self) -> AccountScope:
        """The scope of the caller outside of workspaces; raises what `token` does and `Access.account`."""
        token = self.token()
        services = services_in(self._scope)
        try:
            account = await services.access.account(token, self._source())
        except PastisError as error:
            await self._count_refused(error)
            raise
        await self._note(services, account.principal)
        return account

    def token(self) -> str:
        """The access token, of the one credential that there must be.

        Raises `both_credentials`, as it is not ours to guess which one counts, `authentication_required`,
        and `csrf_refused` where a cookie comes with a change that another site may have sent.
        """
        given = self._headers.get(b"authorization", ())
        cookies = self._cookies_called(self.cookies.access)
        if len(given) + len(cookies) > 1:
            raise PastisError(ErrorCode.BOTH_CREDENTIALS)
        if cookies:
            if self._scope["method"] not in _SAFE:
                self.refuse_other_sites()
            return cookies[0]
        scheme, _, token = given[0].decode("latin-1").partition(" ") if given else ("", "", "")
        if scheme.lower() != "bearer":
            raise PastisError(ErrorCode.AUTHENTICATION_REQUIRED)
        return token

    def looks_like_account(self) -> bool:
        """Whether it may be one, by the kind of the token alone; raises what `token` does."""
        return looks_like_account(self.token())

    def refresh_token(self, given: str | None) -> str:
        """The refresh token of the body, else of a browser; raises what `token` does.

        Before any of them is looked at: a guess at which one counts could spend the other.
        """
        cookies = self._cookies_called(self.cookies.refresh)
        if len(cookies) + (given is not None) > 1:
            raise PastisError(ErrorCode.BOTH_CREDENTIALS)
        if given is not None:
            return given
        if not cookies:
            raise PastisError(ErrorCode.AUTHENTICATION_REQUIRED)
        self.refuse_other_sites()
        return cookies[0]

    def login_tokens(self) -> tuple[list[str], bool]:
        """Whatever tokens of a login were sent, and whether they are cookies; raises what `token` does."""
        cookies = [
            value
            for name in (self.cookies.access, self.cookies.refresh)
            for value in self._cookies_called(name)
        ]
        if not cookies:
            return [self.token()], False
        if self._headers.get(b"authorization"):
            raise PastisError(ErrorCode.BOTH_CREDENTIALS)
        self.refuse_other_sites()
        return cookies, True

    def refuse_other_sites(self) -> None:
        """Raises `csrf_refused` unless a page of ours sent this, and none but a script can have.

        A form cannot send a header of its own, and a script of another origin may not. The own host is what
        `Host` says: no page chooses that, and a name that somebody else points here has none of our cookies.
        """
        origin = self._header(b"origin") or ""
        scheme, _, host = origin.partition("://")
        own = host != "" and host == self._header(b"host") and scheme in self.cookies.schemes
        ours = origin in self._origins or own
        same_site = self._header(b"sec-fetch-site") != "cross-site"
        if not (ours and same_site and self._header(b"pastis-client")):
            raise PastisError(ErrorCode.CSRF_REFUSED)

    def _source(self) -> dict[str, Any]:
        """How the log names what a change came through."""
        return {"channel": "http", "client": self.client, "request_id": self._scope["state"]["request_id"]}

    async def _note(self, services: Services, principal: Principal) -> None:
        if principal.kind is not PrincipalKind.LINK:
            uses = services.last_uses if principal.kind is PrincipalKind.USER else services.token_uses
            if not uses.is_noted(principal.credential_id):
                uses.note(principal.credential_id, self.address)
        await count_request(self._scope, principal.credential_id)

    async def _count_refused(self, error: PastisError) -> None:
        """Whoever tries tokens, or workspaces, is counted by address."""
        if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            await count_request(self._scope, None)

    def _cookies_called(self, name: str) -> list[str]:
        """The values of all cookies of this name: two mean that somebody else set one of them."""
        header = b";".join(self._headers.get(b"cookie", ()))
        if not header:
            return []
        pairs = (pair.strip().partition("=") for pair in header.decode("latin-1").split(";"))
        return [value for key, _, value in pairs if key == name]

    def _header(self, name: bytes) -> str | None:
        values = self._headers.get(name)
        return values[0].decode("latin-1") if values else None


def services_in(scope: Scope) -> Services:
    """The process's engines; raises `database_unavailable` until the database has been made ready."""
    services: Services = scope["app"].state.services
    if not services.ready:
        raise PastisError(ErrorCode.DATABASE_UNAVAILABLE)
    return services
