"""`pastis work`: jobs, in a process that serves nothing."""

import asyncio
from contextlib import suppress

from app.commands.console import fail, load_settings, reachable, say, warn_of_unknown_settings
from app.core.config import Settings, UnsafeSettings


def work() -> None:
    """Do jobs until Ctrl-C or SIGTERM: mails, and what requests or other processes have left unfinished.

    `pastis serve` does them, too, unless PASTIS_WORKER is false. Any number of processes share the work.
    """
    warn_of_unknown_settings()
    settings = load_settings()
    try:
        settings.refuse_unsafe()
    except UnsafeSettings as error:
        fail(str(error))
    with suppress(KeyboardInterrupt), reachable(settings) as connected:
        from app.commands.context import run

        run(_work(connected))
    say("Stopped.")


async def _work(settings: Settings) -> None:
    from app.commands.context import open_services

    async with open_services(settings) as services:
        services.audit_follower.start()
        services.start_worker()
        say("Doing jobs. Stop with Ctrl-C.")
        await asyncio.Event().wait()
