"""Links that prove an address: made, and used up."""

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.errors import ErrorCode, PastisError
from app.core.security import new_token, token_hash
from app.models.confirmations import Confirmation, Purpose
from app.services.confirmations import queries, rules
from app.utils.ids import new_id


class ConfirmationEngine:
    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    async def make(
        self,
        purpose: Purpose,
        subject: str,
        email: str,
        user_id: str | None = None,
        *,
        invited: bool = False,
    ) -> str:
        """A link to mail to this address; it ends the former one of the same purpose and subject."""
        token = new_token()
        fields = {
            "token_hash": token_hash(token),
            "user_id": user_id,
            "email": email,
            "invited": invited,
            "expires_at": self._clock.now() + rules.LIFETIMES[purpose],
        }
        await queries.put(self._database, purpose, subject, new_id(), fields)
        return rules.link(self._settings.public_url, purpose, token)

    async def find(self, purpose: Purpose, token: str) -> Confirmation:
        """What a token is good for, which it still is afterwards; raises `invalid_link`."""
        found = await queries.find(self._database, purpose, token_hash(token), self._clock.now())
        if found is None:
            raise PastisError(ErrorCode.INVALID_LINK)
        return found

    async def take(self, purpose: Purpose, token: str) -> Confirmation:
        """What a token was good for: nobody can use it any more. Raises `invalid_link`."""
        taken = await queries.take(self._database, purpose, token_hash(token), self._clock.now())
        if taken is None:
            raise PastisError(ErrorCode.INVALID_LINK)
        return taken

    async def end_all(self, user_id: str) -> None:
        """End all links that are about an account."""
        await queries.delete_of_user(self._database, user_id)
