"""Tickets, each good for one socket."""

from datetime import timedelta

from app.core.database.engine import Database
from app.core.errors import ErrorCode, PastisError
from app.core.security import new_token, token_hash
from app.services.access import Credential, Principal, PrincipalKind
from app.services.sync import queries

LIFE = timedelta(seconds=30)


class Tickets:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, workspace_id: str, principal: Principal) -> str:
        """One that opens a socket of this workspace for whoever has it, within `LIFE`."""
        ticket = new_token()
        values = {
            "workspace_id": workspace_id,
            "kind": principal.kind.value,
            "credential_id": principal.credential_id,
        }
        await queries.keep_ticket(self._database, token_hash(ticket), LIFE, values)
        return ticket

    async def spend(self, ticket: str) -> Credential:
        """What it stands for; raises `invalid_token` for one that is spent, too old or for nothing."""
        found = await queries.take_ticket(self._database, token_hash(ticket))
        if found is None:
            raise PastisError(ErrorCode.INVALID_TOKEN)
        return Credential(PrincipalKind(found["kind"]), found["credential_id"], found["workspace_id"])
