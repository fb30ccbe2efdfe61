"""Mails and a real mail server: nothing is lost, nothing is told twice but after an accident."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from app.core.config import Environment, Settings
from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.jobs import Job, JobKind
from app.core.sealing import Sealer
from app.core.telemetry import Telemetry
from app.models import DOCUMENTS
from app.models.mails import Letter
from app.services.bootstrap import Services
from app.services.jobs import Duty, JobEngine, Worker, rules
from app.services.mail import MailEngine, transport
from app.services.mail.transport import Undeliverable
from app.tests.support.clock import TestClock
from app.tests.support.jobs import hasten
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

TO = "heidi@fluid.example"
LINK = "http://localhost:8001/password-resets/confirm#token=7f3a-canary"


class Inbox:
    """What a mail server took; `refusal` is what it answers instead."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.refusal: dict[str, str] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _: Any) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.refusal.get("RCPT", "250 OK")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if "DATA" in self.refusal:
            return self.refusal["DATA"]
        self.taken.append(envelope)
        return "250 OK"


class MailServer:
    """A mail server on loopback, at one port, that can be stopped and started again."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._controller: Controller | None = None

    async def start(self) -> None:
        self._controller = Controller(self.inbox, "127.0.0.1", self.port)
        await asyncio.to_thread(self._controller.start)

    async def stop(self) -> None:
        if self._controller is not None:
            await asyncio.to_thread(self._controller.stop)
            self._controller = None


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    found = MailServer()
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def database(test_settings: Settings) -> AsyncIterator[Database]:
    """Of its own: the application's task empties the outbox of the other."""
    settings = test_settings.model_copy(update={"database_name": f"mail_{new_id()[-12:]}"})
    found = Database.connect(settings)
    await found.create_indexes(DOCUMENTS)
    yield found
    await found.client.drop_database(found.name)
    await found.close()


def settings_for(test_settings: Settings, server: MailServer, **changes: Any) -> Settings:
    smtp = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none"}
    return test_settings.model_copy(update={**smtp, **changes})


@pytest.fixture
def jobs(database: Database) -> JobEngine:
    return JobEngine(database, Telemetry())


@pytest.fixture
def engine(jobs: JobEngine, test_settings: Settings, server: MailServer, clock: TestClock) -> MailEngine:
    return MailEngine(jobs, settings_for(test_settings, server), Sealer([b"s"], "mail"), clock)


async def kept(database: Database) -> list[Doc]:
    return await database.collection(Job).find({}).to_list()


async def deliver_next(engine: MailEngine) -> bool:
    """What a worker does; false where nothing is due."""
    job = await engine._jobs.take([JobKind.MAIL])
    if job is None:
        return False
    with suppress(Undeliverable, KeyError, ValueError):
        await engine._jobs.carry_out(job, engine.deliver)
    return True


async def send(engine: MailEngine, to: str | None = TO, **values: str) -> None:
    await engine.send(Letter.PASSWORD_RESET, to, "en", user_id="u", link=LINK, **values)


async def test_a_mail_arrives_and_leaves_nothing_behind(
    engine: MailEngine, database: Database, server: MailServer
) -> None:
    await send(engine)
    assert await deliver_next(engine)
    assert not await deliver_next(engine)
    (envelope,) = server.inbox.taken
    assert (envelope.mail_from, envelope.rcpt_tos) == ("pastis@localhost", [TO])
    assert LINK.encode() in envelope.content.replace(b"=\r\n", b"").replace(b"=3D", b"=")
    assert await kept(database) == []


async def test_what_waits_is_sealed(engine: MailEngine, database: Database) -> None:
    await send(engine)
    (mail,) = await kept(database)
    assert "canary" not in str(mail)
    assert TO not in str(mail)


async def test_a_server_that_is_down_loses_nothing(
    engine: MailEngine, database: Database, server: MailServer, clock: TestClock
) -> None:
    await server.stop()
    await send(engine)
    assert await deliver_next(engine)
    (mail,) = await kept(database)
    assert (mail["state"], mail["attempts"]) == ("queued", 1)
    assert mail["error"] == "SMTPConnectError"
    assert not await deliver_next(engine)  # not at once
    await server.start()
    await hasten(database)
    assert await deliver_next(engine)
    assert len(server.inbox.taken) == 1
    assert await kept(database) == []


async def test_what_cannot_be_delivered_for_long_is_kept_as_failed(
    engine: MailEngine, database: Database, server: MailServer, clock: TestClock
) -> None:
    await server.stop()
    await send(engine)
    for _ in range(rules.MOST_ATTEMPTS):
        assert await deliver_next(engine)
        await hasten(database)
    assert not await deliver_next(engine)
    (mail,) = await kept(database)
    assert (mail["state"], mail["attempts"]) == ("failed", rules.MOST_ATTEMPTS)


@pytest.mark.parametrize(
    ("refusal", "state"),
    [
        ({"RCPT": "550 nobody of that name"}, "failed"),
        ({"RCPT": "450 come again later"}, "queued"),
        ({"DATA": "554 not this"}, "failed"),
        ({"DATA": "451 come again later"}, "queued"),
    ],
    ids=str,
)
async def test_a_final_refusal_is_not_tried_again(
    engine: MailEngine, database: Database, server: MailServer, refusal: dict[str, str], state: str
) -> None:
    server.inbox.refusal = refusal
    await send(engine)
    assert await deliver_next(engine)
    (mail,) = await kept(database)
    assert (mail["state"], mail["attempts"]) == (state, 1)
    assert "nobody" not in mail["error"]


async def test_one_mail_is_tried_by_one_process_at_a_time(
    engine: MailEngine, database: Database, server: MailServer
) -> None:
    for _ in range(20):
        await send(engine)

    async def empty() -> None:
        while await deliver_next(engine):
            pass

    await asyncio.gather(*(empty() for _ in range(5)))
    assert len(server.inbox.taken) == 20
    assert await kept(database) == []


async def test_a_delivery_that_was_cut_off_is_done_again(
    engine: MailEngine, database: Database, server: MailServer, clock: TestClock
) -> None:
    await send(engine)
    assert await engine._jobs.take([JobKind.MAIL]) is not None  # and the process is killed
    assert not await deliver_next(engine)
    await hasten(database)
    assert await deliver_next(engine)
    assert len(server.inbox.taken) == 1


async def test_a_mail_to_nobody_is_put_in_and_goes_nowhere(
    engine: MailEngine, database: Database, server: MailServer
) -> None:
    await send(engine, to=None)
    assert len(await kept(database)) == 1
    assert await deliver_next(engine)
    assert (await kept(database), server.inbox.taken) == ([], [])


async def test_a_mail_that_cannot_be_read_or_made_is_given_up(
    engine: MailEngine,
    jobs: JobEngine,
    database: Database,
    test_settings: Settings,
    server: MailServer,
    clock: TestClock,
) -> None:
    other = MailEngine(jobs, settings_for(test_settings, server), Sealer([b"other"], "mail"), clock)
    await send(other)
    assert await deliver_next(engine)
    (mail,) = await kept(database)
    assert (mail["state"], mail["error"]) == ("failed", "sealed by another PASTIS_SECRET")
    await engine.send(Letter.EMAIL_CHANGED, TO, "en")  # without the address that it names
    await engine.send(Letter.TEST, "a@x.example\r\nBcc: b@x.example", "en")
    assert await deliver_next(engine)
    assert await deliver_next(engine)
    assert server.inbox.taken == []
    assert {one["error"] for one in await kept(database)} == {mail["error"], "KeyError", "ValueError"}


async def test_a_former_secret_still_opens(
    engine: MailEngine,
    jobs: JobEngine,
    database: Database,
    test_settings: Settings,
    server: MailServer,
    clock: TestClock,
) -> None:
    await send(engine)
    sealer = Sealer([b"new", b"s"], "mail")
    assert await deliver_next(MailEngine(jobs, settings_for(test_settings, server), sealer, clock))
    assert len(server.inbox.taken) == 1


async def test_the_task_delivers_at_once_and_goes_on_after_a_failure(
    engine: MailEngine, jobs: JobEngine, server: MailServer
) -> None:
    worker = Worker(jobs, {JobKind.MAIL: Duty(engine.deliver)})
    worker.start()
    try:
        for number in (1, 2):
            await send(engine)
            for _ in range(500):
                if len(server.inbox.taken) == number:
                    break
                await asyncio.sleep(0.01)
            assert len(server.inbox.taken) == number
    finally:
        await worker.close()


async def test_in_production_mails_wait_for_a_server(
    jobs: JobEngine, database: Database, test_settings: Settings, clock: TestClock
) -> None:
    settings = Settings(**{**test_settings.model_dump(), "env": Environment.PRODUCTION}, _env_file=None)
    engine = MailEngine(jobs, settings, Sealer([b"s"], "mail"), clock)
    assert not engine.has_a_way
    services = Services(settings, database, b"s" * 32, clock)
    services.worker.start()
    await send(engine)
    await asyncio.sleep(0.1)
    await services.worker.close()
    (mail,) = [one for one in await kept(database) if one["kind"] == JobKind.MAIL]
    assert (mail["state"], mail["attempts"]) == ("queued", 0)
    with pytest.raises(Undeliverable, match="PASTIS_SMTP_HOST"):
        await engine.test(TO)


async def test_a_password_for_the_server_is_not_sent_in_the_clear(
    engine: MailEngine, test_settings: Settings, server: MailServer
) -> None:
    secrets = {"smtp_username": "pastis", "smtp_password": SecretStr("hunter2")}
    settings = settings_for(test_settings, server, smtp_security="starttls", **secrets)
    message = EmailMessage()
    message["From"], message["To"] = "pastis@localhost", TO
    with pytest.raises(Undeliverable) as refused:
        await transport.deliver(settings, message)  # this server knows no TLS
    assert "hunter2" not in str(refused.value)
    assert server.inbox.taken == []


async def test_mails_of_an_account_are_erased(
    engine: MailEngine, jobs: JobEngine, database: Database
) -> None:
    await send(engine)
    await jobs.erase("somebody else")
    assert len(await kept(database)) == 1
    await jobs.erase("u")
    assert await kept(database) == []
