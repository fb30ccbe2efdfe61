"""`pastis jobs`: what waits to be done beside the requests, and what was given up."""

from typing import Annotated

import typer

from app.commands.console import counted, fail, output
from app.commands.services import with_services
from app.core.documents import Doc
from app.core.jobs import JobKind, JobState
from app.services.bootstrap import Services
from app.utils.times import rfc3339

jobs = typer.Typer(help="Look at jobs, and decide on those that were given up.", no_args_is_help=True)
Kind = Annotated[JobKind | None, typer.Option(help="Only this kind.")]
State = Annotated[JobState | None, typer.Option(help="Only in this state; failed ones were given up.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many.")]
Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Their ids, as `list` shows them.")]


@jobs.command(name="list")
def list_(kind: Kind = None, state: State = None, limit: Limit = 100) -> None:
    """Show the jobs, the oldest first: id, kind, state, attempts, when it is due, its last failure."""

    async def work(services: Services) -> None:
        for job in await services.jobs.find(kind, state, limit):
            output().print(_line(job))

    with_services(work)


@jobs.command()
def retry(
    ids: Ids = None, all_: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False
) -> None:
    """Have jobs that were given up done after all."""
    if bool(ids) == all_:
        fail("Name the jobs, or give --all.")
    number = with_services(lambda services: services.jobs.retry(None if all_ else ids))
    output().print(f"{counted(number, 'job')} queued.")


@jobs.command()
def drop(ids: Annotated[list[str], typer.Argument(help="Their ids, as `list` shows them.")]) -> None:
    """Forget jobs that were given up."""
    number = with_services(lambda services: services.jobs.drop(ids))
    output().print(f"{counted(number, 'job')} dropped.")


def _line(job: Doc) -> str:
    due, error = rfc3339(job["due_at"]), job["error"] or ""
    words = (job["_id"], job["kind"], job["state"], job["attempts"], due, error)
    return "  ".join(map(str, words)).rstrip()
