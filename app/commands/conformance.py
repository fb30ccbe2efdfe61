"""`pastis conformance`: hold a server to the sync protocol."""

from typing import Annotated

import typer
from pastis_client.conformance import CHECKS, Result, run

from app.commands.console import fail, output
from app.commands.login import TokenFile, as_client, logged_in

_PATIENCE_SECONDS = 10.0


def conformance(
    url: Annotated[str, typer.Argument(help="Where the server is.")],
    workspace: Annotated[str, typer.Option(help="Slug or id of a workspace to try it in.")],
    token_file: TokenFile = None,
    only: Annotated[
        list[str] | None, typer.Option("--check", help="Only this check; may be repeated.")
    ] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Also what takes half a minute.")] = False,
) -> None:
    """Check a server against the sync protocol, one line a check; exit with 1 if it fails one.

    It makes a project in the workspace, and archives it in the end.
    """
    unknown = set(only or ()) - {one.name for one in CHECKS}
    if unknown:
        names = "\n".join(f"  {one.name}: {one.promise}" for one in CHECKS)
        fail(f"There is no check {', '.join(sorted(unknown))}. There are:\n{names}")

    async def work() -> list[Result]:
        async with logged_in(url, token_file, _PATIENCE_SECONDS) as client:
            return await run(client, url, workspace, only=only or (), slow=slow, tell=_tell)

    results = as_client(work)
    failed = [one for one in results or () if one.verdict == "failed"]
    if results is None or failed:
        fail(f"{len(failed)} of {len(results or ())} checks failed.")
    output().print(f"{len(results)} checks: none failed.")


def _tell(result: Result) -> None:
    detail = f": {' '.join(result.detail.split())}" if result.detail else ""
    output().print(f"{result.verdict:<7}  {result.check.name}{detail}", soft_wrap=True)
