"""`pastis audit`: what concerned the security of this installation."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import orjson
import typer

from app.commands.console import fail, output
from app.commands.services import with_services
from app.core.documents import Doc
from app.models.audit import AuditKind
from app.schemas.audit import AuditQuery
from app.services.bootstrap import Services
from app.utils.times import rfc3339

audit = typer.Typer(help="Look at the audit log, and whether it was tampered with.", no_args_is_help=True)
Kind = Annotated[AuditKind | None, typer.Option(help="Only this kind, such as login.fail.")]
Email = Annotated[
    str | None, typer.Option("--account", help="Only what is about the account of this address.")
]
Since = Annotated[datetime | None, typer.Option(help="From this time on, in UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Before this time, in UTC.")]


@audit.command(name="list")
def list_(kind: Kind = None, email: Email = None, since: Since = None, until: Until = None) -> None:
    """Show the entries, the oldest first, one a line."""
    _each(_print_line, kind, email, since, until)


@audit.command()
def export(kind: Kind = None, email: Email = None, since: Since = None, until: Until = None) -> None:
    """Write the entries as they are kept, hashes included, as lines of JSON."""
    _each(_print_json, kind, email, since, until)


@audit.command()
def verify() -> None:
    """Hold every chain against its hashes; name each place where it was changed, and exit with 1.

    Keep what it prints, or an export, somewhere else: whoever can write to the database could make all
    hashes anew.
    """

    async def work(services: Services) -> tuple[int, int]:
        chains = flaws = 0
        async for chain, count, head, findings in services.audit.verify():
            chains += 1
            flaws += len(findings)
            output().print(f"{chain}: {count} entries, head {head}")
            for one in findings:
                output().print(f"{chain}: entry {one.n}: {one.flaw}")
        return chains, flaws

    chains, flaws = with_services(work)
    if flaws:
        fail(f"{chains} chains checked: {flaws} flaws.")
    output().print(f"{chains} chains checked: all good.")


def _each(
    show: Callable[[Doc], None],
    kind: AuditKind | None,
    email: str | None,
    since: datetime | None,
    until: datetime | None,
) -> None:
    times = [None if time is None else time.replace(tzinfo=time.tzinfo or UTC) for time in (since, until)]
    wanted = AuditQuery(kind=kind, since=times[0], until=times[1])

    async def work(services: Services) -> None:
        user = None if email is None else await services.users.find_by_email(email)
        if email is not None and user is None:
            fail(f"No account has the address {email}.")
        async for entry in services.audit.every(wanted, None if user is None else user.id):
            show(entry)

    with_services(work)


def _print_line(entry: Doc) -> None:
    parts = (rfc3339(entry["at"]), entry["kind"], entry["user_id"], entry["address"], entry["client"])
    output().print("  ".join("-" if part is None else str(part) for part in parts), soft_wrap=True)


def _print_json(entry: Doc) -> None:
    line = orjson.dumps(entry, default=rfc3339, option=orjson.OPT_PASSTHROUGH_DATETIME)
    typer.echo(line.decode())
