"""Tickets, each good for one socket."""

from datetime import timedelta

from app.core.clock import Clock
from app.core.database.engine import Database
from app.core.errors import ErrorCode, PastisError
from app.core.security import new_token, token_hash
from app.models.tickets import Ticket
from app.services.access import Credential, Principal, PrincipalKind
from app.services.sync import queries

LIFE = timedelta(seconds=30)


class Tickets:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def create(self, workspace_id: str, principal: Principal) -> str:
        """One that opens a socket of this workspace for whoever has it, within `LIFE`."""
        ticket = new_token()
        await queries.keep_ticket(
            self._database,
            Ticket(
                id=token_hash(ticket),
                workspace_id=workspace_id,
                kind=principal.kind.value,
                credential_id=principal.credential_id,
                expires_at=self._clock.now() + LIFE,
            ),
        )
        return ticket

    async def spend(self, ticket: str) -> Credential:
        """What it stands for; raises `invalid_token` for one that is spent, too old or for nothing."""
        found = await queries.take_ticket(self._database, token_hash(ticket), self._clock.now())
        if found is None:
            raise PastisError(ErrorCode.INVALID_TOKEN)
        return Credential(PrincipalKind(found["kind"]), found["credential_id"], found["workspace_id"])
