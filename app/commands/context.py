"""What commands on data share: the services of one process, and for whom a command acts.

It imports the whole application: commands import it when they run, so that `pastis version` stays quick.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from app import __version__
from app.commands.console import fail, shown_url
from app.core.clock import Clock
from app.core.config import Settings, resolve_secret
from app.core.database.engine import Database
from app.core.logging import configure
from app.models.users import User
from app.services.backups import UnfinishedRestoreError
from app.services.bootstrap import Services

T = TypeVar("T")

SOURCE = {"channel": "cli", "client": f"pastis {__version__}", "request_id": None}


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end; Ctrl-C cancels the work, lets it close what it opened, and is raised then."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


@asynccontextmanager
async def open_services(settings: Settings, *, prepare: bool = True) -> AsyncIterator[Services]:
    """Give the engines over a database made ready; exits with 1 where none answers. Logs go where set.

    Without `prepare` the database is left as it is.
    """
    configure(settings)
    database = Database.connect(settings)
    services = Services(settings, database, resolve_secret(settings), Clock(database.time.now))
    try:
        if not await services.database.is_ready():
            url = settings.database_url.get_secret_value() if settings.database_url else ""
            fail(
                f"No primary answers at {shown_url(url)} within {settings.database_timeout_seconds:g} s. "
                "Look whether MongoDB runs there as a replica set."
            )
        if prepare:
            await _prepare(services)
        yield services
    finally:
        await services.close()


async def _prepare(services: Services) -> None:
    try:
        await services.prepare()
    except UnfinishedRestoreError as error:
        fail(str(error))


async def find_account(services: Services, email: str | None) -> User:
    """The active account of this address, else the first one; exits with 1 where there is none."""
    if email is None:
        accounts = [one for one in await services.users.list_all() if one.active]
        if not accounts:
            fail("There is no account to act for. Make one with: pastis user add EMAIL --name NAME")
        return min(accounts, key=lambda one: one.created_at)
    found = await services.users.find_by_email(email)
    if found is None or not found.active:
        fail(f"No active account has the address {email}.")
    return found
