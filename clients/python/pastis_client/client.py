"""The client: a server, a login, and workspaces."""

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self, cast

import httpx2

from pastis_client.api import Api
from pastis_client.commands import Command
from pastis_client.documents import Account
from pastis_client.documents import Workspace as WorkspaceDoc
from pastis_client.errors import PastisError
from pastis_client.ids import new_id
from pastis_client.local import Refused
from pastis_client.replica import Told
from pastis_client.session import Session
from pastis_client.store import MemoryStore, Store
from pastis_client.transport import Request, Transport
from pastis_client.workspace import Workspace

ANSWER_SECONDS = 10.0
PATIENCE_SECONDS = 30.0


def _ignored(_command: Command[Any], _error: PastisError) -> None:
    """Whoever awaits the command is told."""


class Client:
    """A client of the server at `url`. `async with` it.

    What the store has from before goes on: the login, replicas, commands that wait. `token` is an API token
    in the place of a login. A request is repeated for `patience` seconds where it gets no answer or a
    transient one.
    """

    def __init__(
        self,
        url: str,
        *,
        store: Store | None = None,
        token: str | None = None,
        patience: float = PATIENCE_SECONDS,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._store = store or MemoryStore()
        self._http = httpx2.AsyncClient(
            base_url=url,
            transport=transport,
            timeout=ANSWER_SECONDS,
            headers={"User-Agent": "pastis-client"},
        )
        sender = Transport(self._http, patience)
        self.session = Session(sender, self._store, token)
        self._api = Api(sender, self.session)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        await self.session.restore()
        return self

    async def __aexit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(type_, error, trace)

    async def login(self, email: str, password: str, *, remember_me: bool = True) -> None:
        """See Session.login; `session` has the other verbs."""
        await self.session.login(email, password, remember_me=remember_me)

    async def me(self) -> Account:
        return cast(Account, await self._api.get("/api/v1/me"))

    def workspaces(self) -> AsyncIterator[WorkspaceDoc]:
        """Those that one is a member of."""
        return self._api.pages("/api/v1/workspaces")

    async def create_workspace(self, slug: str, name: str) -> WorkspaceDoc:
        """Found a workspace, and own it."""
        id_ = new_id()
        body = {"id": id_, "slug": slug, "name": name}
        request = Request("POST", "/api/v1/workspaces", body, headers={"Idempotency-Key": id_})
        return cast(WorkspaceDoc, (await self._api.call(request)).json())

    def workspace(
        self,
        workspace: str,
        *,
        project: str | None = None,
        fields: Mapping[str, list[str]] | None = None,
        refused: Refused = _ignored,
        changed: Told | None = None,
    ) -> Workspace:
        """A workspace by its slug or id; its calls work at once, `async with` it to have it live.

        The live copy can be of one `project`, and of some kinds have only some `fields`. `refused` is told of
        each change that the server did not take, `changed` of each that came: what a document was and is, and
        who did it.
        """
        params: dict[str, Any] = {} if project is None else {"project": project}
        if fields:
            params["fields"] = [f"{kind}:{','.join(names)}" for kind, names in fields.items()]
        return Workspace(self._api, self._store, workspace, params, refused, changed)
