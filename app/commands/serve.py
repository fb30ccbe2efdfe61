"""`pastis serve`: the API on one port, with the database that the settings name."""

import asyncio
import errno
import logging
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer
import uvicorn
from fastapi import FastAPI

from app.commands.console import fail, load_settings, reachable, say, warn_of_unknown_settings
from app.commands.protocol import BoundedProtocol
from app.core.config import Settings, UnsafeSettings

if TYPE_CHECKING:
    from app.services.bootstrap import Services

_PING_SECONDS = 4.5
_ANNOUNCE_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_RETRY_SECONDS = 1.0
FIRST_ACCOUNT = "admin@pastis.local"


class _Server(uvicorn.Server):
    """Tells the addresses, and the first account, once requests are served."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            # Beside the serving: a database that is away keeps no one from hearing of the address.
            self._announcing = asyncio.create_task(announce_first_account(self.app.state.services))
            await self._wait_for_announcement()
            address = _address(self.config.host, self.config.port)
            say(f"API: {address}\nDocumentation: {address}/docs\nStop with Ctrl-C.")

    async def _wait_for_announcement(self) -> None:
        # In short turns: the signals that end it only set `should_exit`.
        for _ in range(round(_ANNOUNCE_SECONDS / _LOOK_SECONDS)):
            if self.should_exit or self._announcing.done():
                break
            await asyncio.wait({self._announcing}, timeout=_LOOK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Each is told when to come back; it would be cut off otherwise.
        self.app.state.services.sync.end_all()
        self._announcing.cancel()
        await asyncio.gather(self._announcing, return_exceptions=True)
        await super().shutdown(sockets)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on instead of PASTIS_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on instead of PASTIS_PORT.")
    ] = None,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM.

    Without PASTIS_DATABASE_URL it starts a database of its own in PASTIS_DATA_DIR, or joins the one that
    another Pastis started there. In production it names all that is unsafe in the settings and exits.
    """
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    warn_of_unknown_settings()
    settings = load_settings().model_copy(update=given)
    try:
        settings.refuse_unsafe()
    except UnsafeSettings as error:
        fail(str(error))
    with suppress(KeyboardInterrupt), _bind(settings) as listening, reachable(settings) as connected:
        _run(connected, listening)
    say("Stopped.")


def _run(settings: Settings, listening: socket.socket) -> None:
    from app.core.logging import configure
    from app.main import create_app

    configure(settings)
    _allow_connections()
    logging.getLogger("uvicorn.error").addFilter(_drop_false_alarm)
    try:
        app = create_app(settings)
        _Server(app, _config(app, settings)).run([listening])
    except SystemExit:
        # How uvicorn says that the application refused to start.
        fail("Pastis could not start; the log says why.")


def _allow_connections() -> None:
    """Open as many files as the system lets us: each stream is one, and shells allow a thousand or so."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _drop_false_alarm(record: logging.LogRecord) -> bool:
    """Uvicorn 0.54 says this of every socket that was refused with an answer, as it should be."""
    return record.getMessage() != "ASGI callable returned without completing handshake."


def _config(api: FastAPI, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        api,
        host=settings.host,
        port=settings.port,
        loop="asyncio" if sys.platform == "win32" else "uvloop",
        http=BoundedProtocol,
        ws="websockets-sansio",
        ws_max_size=settings.max_body_bytes,
        # Compression would take more memory for each socket than all else together.
        ws_per_message_deflate=False,
        # Who has gone without a word is gone within ten seconds.
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
        lifespan="on",
        workers=1,
        server_header=False,
        # Whose word counts for who the client is, PASTIS_TRUSTED_PROXIES says: see api/network.py.
        proxy_headers=False,
        # Pastis writes its own log, one line a request.
        log_config=None,
        access_log=False,
        # One second by default: with two for the database's connections and two for the embedded database,
        # Ctrl-C takes less than five.
        timeout_graceful_shutdown=settings.stop_seconds,
    )


async def announce_first_account(services: "Services") -> None:
    """Make and tell the first account of a development installation; tell an operator how to make one.

    Waits for the database, however long it is away. Never raises.
    """
    from app.core.database.errors import classify
    from app.core.logging import get_logger

    logger = get_logger(__name__)
    while True:
        try:
            await services.until_ready()
            await _announce(services)
        except Exception as error:
            if classify(error) is None:
                logger.exception("the first account cannot be made")
                return
            logger.warning("the first account waits for the database", error=type(error).__name__)
        else:
            return
        await asyncio.sleep(_RETRY_SECONDS)


async def _announce(services: "Services") -> None:
    from app.core.errors import ErrorCode, PastisError
    from app.core.security import new_password
    from app.services.audit import OPERATOR, AuditKind

    if await services.users.any_exists():
        return
    if services.settings.production:
        say("There is no account yet: pastis user add ADDRESS --name NAME")
        return
    password = new_password()
    try:
        account = await services.users.create(FIRST_ACCOUNT, "Administrator", password)
    except PastisError as error:
        if error.code is not ErrorCode.ALREADY_EXISTS:
            raise
        return  # another process was faster, and tells it
    await services.audit.record(AuditKind.ACCOUNT_CREATE, account.id, actor=OPERATOR)
    say(f"First account: {account.email}\nPassword: {password} (shown only now)")


def _bind(settings: Settings) -> socket.socket:
    """Take the port before anything else starts; exits with 1 when it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        # From here on a second Pastis is refused; what connects early waits until requests are served.
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            fail(
                f"Port {settings.port} on {settings.host} is taken: Pastis may already run. Stop what uses "
                "it, or choose another port with --port or PASTIS_PORT."
            )
        fail(f"Cannot listen on {settings.host}, port {settings.port}: {error.strerror}.")
    return listening


def _address(host: str, port: int) -> str:
    # What to type into a browser on this machine.
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{port}"
