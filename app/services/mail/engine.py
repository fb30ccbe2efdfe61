"""Mails: a request only asks for one, and a job delivers it."""

import json
from datetime import timedelta
from typing import Any

from app.core.clock import Clock
from app.core.config import Settings
from app.core.documents import Doc
from app.core.jobs import Job, JobKind
from app.core.sealing import Sealer
from app.models.mails import Letter
from app.services.jobs import JobEngine
from app.services.mail import transport
from app.services.mail.letters import compose, stamp
from app.services.mail.transport import Undeliverable
from app.utils.ids import new_id

KEPT = timedelta(days=30)
"""How long a mail waits for a server, or for an operator to look at it: it names somebody."""


class MailEngine:
    def __init__(self, jobs: JobEngine, settings: Settings, sealer: Sealer, clock: Clock) -> None:
        self._jobs = jobs
        self._settings = settings
        self._sealer = sealer
        self._clock = clock

    @property
    def has_a_way(self) -> bool:
        """Whether mails can be delivered anywhere."""
        return self._settings.smtp_host is not None or not self._settings.production

    async def send(
        self, letter: Letter, to: str | None, language: str, *, user_id: str | None = None, **values: str
    ) -> None:
        """Have a mail delivered.

        One to None goes to nobody, and takes as long: so an answer's time does not tell who has an account.
        """
        content = json.dumps({"to": to, "language": language, "values": values})
        mail = Job(
            id=new_id(),
            kind=JobKind.MAIL,
            user_id=user_id,
            payload={"letter": letter.value},
            sealed=self._sealer.seal(content),
            expires_at=self._clock.now() + KEPT,
        )
        await self._jobs.ask(mail)

    async def deliver(self, job: Doc) -> None:
        """Hand a mail on; raises Undeliverable. One that was cut off may arrive twice."""
        try:
            content = json.loads(self._sealer.unseal(job["sealed"]))
        except ValueError:
            raise Undeliverable("sealed by another PASTIS_SECRET", final=True) from None
        if content["to"] is not None:
            await self._hand_on(Letter(job["payload"]["letter"]), job["_id"], content)

    async def test(self, to: str) -> None:
        """Send a mail at once, without a job; raises Undeliverable."""
        await self._hand_on(Letter.TEST, new_id(), {"to": to, "language": "en", "values": {}})

    async def _hand_on(self, letter: Letter, mail_id: str, content: dict[str, Any]) -> None:
        values = {**content["values"], "public_url": self._settings.public_url}
        message = compose(letter, content["language"], values, content["to"], self._settings.mail_from)
        stamp(message, mail_id, self._clock.now())
        await transport.deliver(self._settings, message)
