"""`pastis watch`: a workspace's tasks as they change, in the terminal or as lines."""

import asyncio
import math
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from pastis_client import Client, NotFoundError
from rich.live import Live

from app.commands.console import fail, output, say
from app.commands.login import TokenFile, as_client, logged_in
from app.commands.watch_view import Watched

_LOCAL = "http://127.0.0.1:8001"
_LOOK_SECONDS = 0.25
_AWAY_SECONDS = 2.0


def watch(
    workspace: Annotated[
        str | None, typer.Argument(help="Slug or id; may be left out by who is in one alone.")
    ] = None,
    url: Annotated[str, typer.Option(help="Where Pastis is.")] = _LOCAL,
    token_file: TokenFile = None,
    project: Annotated[str | None, typer.Option(help="Only this project, by its key or id.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what is assigned to you.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="So many rows, as far as they fit.")] = 20,
) -> None:
    """Show a workspace's tasks while they change, the newest change first, until Ctrl-C.

    Where the output is no terminal, each change is a line: time, key, what changed to what, by whom.
    """

    async def work() -> None:
        async with _told_where_away(url) as notice, logged_in(url, token_file, math.inf) as client:
            slug = workspace or await _only(client)
            watched = Watched(client, slug, project)
            try:
                await watched.enter(mine=mine)
            except NotFoundError:
                fail(f"You see no workspace {slug}" + (f" with a project {project}." if project else "."))
            notice.cancel()
            try:
                await (_draw(watched, limit) if sys.stdout.isatty() else _print(watched, slug))
            finally:
                await watched.leave()

    as_client(work)


@asynccontextmanager
async def _told_where_away(url: str) -> AsyncIterator[asyncio.Task[None]]:
    async def tell() -> None:
        await asyncio.sleep(_AWAY_SECONDS)
        say(f"Waiting for {url} ...")

    notice = asyncio.create_task(tell())
    try:
        yield notice
    finally:
        notice.cancel()


async def _only(client: Client) -> str:
    slugs = [one["slug"] async for one in client.workspaces()]
    if len(slugs) != 1:
        fail(f"Which workspace? You are in {', '.join(slugs) or 'none'}.")
    return slugs[0]


async def _draw(watched: Watched, limit: int) -> None:
    """Drawn here and not in a thread of its own: it reads what the frames change."""
    console = output()
    with Live(watched.view(limit, console.height), console=console, auto_refresh=False) as screen:
        while watched.live.ended is None:
            screen.update(watched.view(limit, console.height), refresh=True)
            await asyncio.sleep(_LOOK_SECONDS)
    raise watched.live.ended


async def _print(watched: Watched, slug: str) -> None:
    watched.tell = lambda line: print(line, flush=True)  # noqa: T201 - results, one line each
    told: bool | None = None
    while watched.live.ended is None:
        connected = watched.live.connected
        if connected and told is None:
            say(f"Watching {slug} from {watched.live.number} on. Stop with Ctrl-C.")
            told = True
        elif told is not None and connected != told:
            say("Connected." if connected else "Connection lost; waiting for the server.")
            told = connected
        await asyncio.sleep(_LOOK_SECONDS)
    raise watched.live.ended
