"""Checks of any server against the protocol of docs/sync.md. It needs the package `websockets`.

`run` makes a project of its own in a workspace, tries what the protocol promises, and archives the project.
"""

import random
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

import httpx2

from pastis_client import commands as do
from pastis_client.client import Client

# They enter their checks in this order.
from pastis_client.conformance import pages, rights, sockets, streams  # noqa: F401
from pastis_client.conformance.checks import CHECKS, Check, Result, result_of
from pastis_client.conformance.kit import Place, Viewer

__all__ = ["CHECKS", "Check", "Result", "run"]

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_ANSWER_SECONDS = 35.0
"""Longer than a long poll."""


async def run(
    client: Client,
    url: str,
    workspace: str,
    *,
    only: Collection[str] = (),
    slow: bool = False,
    tell: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """What comes out of each check, told as it comes.

    Raises what keeps the kit from beginning: ProblemError, UnreachableError and LoginEndedError.
    """
    results = []
    async with _place(client, url, workspace) as place:
        for one in CHECKS:
            if one.name in only or (not only and (slow or not one.slow)):
                results.append(await result_of(one, place))
                tell(results[-1])
    return results


@asynccontextmanager
async def _place(client: Client, url: str, workspace: str) -> AsyncIterator[Place]:
    calls = client.workspace(workspace).calls
    key = "C" + "".join(random.choices(_LETTERS, k=6))  # noqa: S311 - to be another one each time
    project = await calls.send(do.create_project(key, "Conformance"))
    async with httpx2.AsyncClient(base_url=url, timeout=_ANSWER_SECONDS) as http:
        me = Viewer(http, client.session.bearer, calls.path)
        place = Place(url, calls, me, project)
        try:
            yield place
        finally:
            for clean in reversed(place.cleaning):
                await clean()
            await calls.send(do.archive_project(project["id"]))
