"""`pastis demo`: a workspace of real issues to look around in."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import IO, Annotated

import typer

from app.commands.console import output
from app.commands.serve import announce_first_account
from app.commands.services import with_services
from app.services.bootstrap import Services

WORKSPACE = "fluid-demo"
PROJECT = "FLUID"
_EXCERPT = "data/fluid-excerpt.jsonl"


def demo(
    email: Annotated[
        str | None,
        typer.Option("--as", metavar="EMAIL", help="Account to make it for; else the first one."),
    ] = None,
) -> None:
    """Make a workspace with real issues of the Fluid Project, and say what to try next.

    In development it makes the first account too if there is none. A second run adds nothing.
    """
    with _excerpt() as archive:
        from app.commands.import_run import perform

        url, account = with_services(lambda services: _prepare(services, email))
        code = perform(archive, WORKSPACE, email, dry_run=False, strict=False)
    if code:
        raise typer.Exit(code)
    output().print(_next_steps(url, account))


@contextmanager
def _excerpt() -> Iterator[IO[bytes]]:
    found = resources.files("app").joinpath(_EXCERPT)
    with resources.as_file(found) as path, path.open("rb") as file:
        yield file


async def _prepare(services: Services, email: str | None) -> tuple[str, str]:
    """The address of the API, and that of the account that the workspace is made for."""
    from app.commands.context import find_account

    await announce_first_account(services)
    settings = services.settings
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}", (await find_account(services, email)).email


def _next_steps(url: str, email: str) -> str:
    return f"""
Try next, with `pastis serve` running:

  Look around: {url}/docs (Authorize as {email})

  Log in:      TOKEN=$(curl -s {url}/api/v1/auth/token -d username={email} -d password=PASSWORD \\
                 | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')

  Read tasks:  curl -s -H "Authorization: Bearer $TOKEN" \\
                 "{url}/api/v1/workspaces/{WORKSPACE}/tasks?project={PROJECT}&limit=5"
"""
