"""The outbox: a request only puts a mail into it, and a background task delivers it."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.logging import get_logger
from app.core.sealing import Sealer
from app.models.mails import Letter, Mail
from app.services.mail import queries, rules, transport
from app.services.mail.letters import compose, stamp
from app.services.mail.transport import Undeliverable
from app.utils.ids import new_id

logger = get_logger(__name__)


class MailEngine:
    def __init__(self, database: Database, settings: Settings, sealer: Sealer, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._sealer = sealer
        self._clock = clock
        self._came = asyncio.Event()

    @property
    def has_a_way(self) -> bool:
        """Whether mails can be delivered anywhere."""
        return self._settings.smtp_host is not None or not self._settings.production

    async def send(
        self, letter: Letter, to: str | None, language: str, *, user_id: str | None = None, **values: str
    ) -> None:
        """Put a mail into the outbox.

        One to None goes to nobody, and takes as long: so an answer's time does not tell who has an account.
        """
        now = self._clock.now()
        content = json.dumps({"to": to, "language": language, "values": values})
        mail = Mail(
            id=new_id(),
            user_id=user_id,
            letter=letter,
            sealed=self._sealer.seal(content),
            due_at=now,
            created_at=now,
        )
        await queries.insert(self._database, mail)
        self._came.set()

    async def until_more(self, seconds: float) -> None:
        """Wait until this process has put in a mail, at most so long: another one may have, or one is due."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._came.wait(), seconds)
        self._came.clear()

    async def deliver_next(self) -> bool:
        """Try the mail that is due the longest; false where none is.

        One that cannot be delivered is put off, and in the end kept as failed. One whose delivery was cut off
        comes up again after its lease, so that it may arrive twice, but never not at all.
        """
        now = self._clock.now()
        mail = await queries.take(self._database, now, now + rules.LEASE)
        if mail is None:
            return False
        try:
            await self._deliver(mail)
        except Undeliverable as exc:
            await self._failed(mail, exc)
        except Exception as exc:
            logger.exception("a mail cannot be made")
            await self._failed(mail, Undeliverable(type(exc).__name__))
        else:
            await queries.delete(self._database, mail["_id"])
        return True

    async def test(self, to: str) -> None:
        """Send a mail at once, past the outbox; raises Undeliverable."""
        await self._hand_on(Letter.TEST, new_id(), {"to": to, "language": "en", "values": {}})

    async def erase(self, user_id: str) -> None:
        """Delete the mails that are about an account."""
        await queries.delete_of_user(self._database, user_id)

    async def _deliver(self, mail: Doc) -> None:
        try:
            content = json.loads(self._sealer.unseal(mail["sealed"]))
        except ValueError:
            raise Undeliverable("sealed by another PASTIS_SECRET", final=True) from None
        if content["to"] is not None:
            await self._hand_on(Letter(mail["letter"]), mail["_id"], content)

    async def _hand_on(self, letter: Letter, mail_id: str, content: dict[str, Any]) -> None:
        values = {**content["values"], "public_url": self._settings.public_url}
        message = compose(letter, content["language"], values, content["to"], self._settings.mail_from)
        stamp(message, mail_id, self._clock.now())
        await transport.deliver(self._settings, message)

    async def _failed(self, mail: Doc, failure: Undeliverable) -> None:
        told = {"mail": mail["_id"], "letter": mail["letter"], "reason": str(failure)}
        again = None if failure.final else rules.next_attempt(mail["attempts"], self._clock.now())
        if again is None:
            logger.error("a mail was given up", **told)
            await queries.give_up(self._database, mail["_id"], str(failure))
        else:
            logger.warning("a mail could not be delivered, trying again", **told)
            await queries.put_off(self._database, mail["_id"], again, str(failure))
