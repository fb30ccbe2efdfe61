"""`pastis db`: the database behind Pastis."""

import asyncio
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from app.commands.backups import check_database
from app.commands.console import counted, fail, load_settings, output, reachable, say, shown_url
from app.commands.services import find_workspace, with_services
from app.core.config import Settings
from app.core.database import migrations, server
from app.models.audit import AuditKind
from app.services.audit import OPERATOR
from app.services.bootstrap import Services
from app.services.sync import Compaction

db = typer.Typer(help="Look after the database.", no_args_is_help=True)


@db.command()
def status() -> None:
    """Show which server is used, its version, the state of its replica set, and what is stored.

    Starts the embedded database for the moment if it is the one to use and does not run.
    """
    with reachable(load_settings()) as settings:
        table = Table(show_header=False, box=None, pad_edge=False)
        for row in asyncio.run(_describe(settings)):
            table.add_row(*row)
        output().print(table)


@db.command()
def migrate(
    rolling: Annotated[
        bool, typer.Option("--rolling", help="Refuse what the version that serves now could not bear.")
    ] = False,
) -> None:
    """Bring the database to what this version needs. `pastis serve` does so by itself.

    Several at once are safe: one migrates, the others wait.
    """
    from app.models.migrations import MIGRATIONS

    if rolling:
        with reachable(load_settings()) as settings:
            asyncio.run(_refuse_breaking(settings))

    async def work(services: Services) -> list[dict[str, Any]]:
        return await migrations.status(services.database, MIGRATIONS)

    for one in with_services(work):
        output().print(f"{one['number']:4}  {one['name']}: {one['state']}")


@db.command()
def check() -> None:
    """Check that every workspace's log has no gaps and that its documents are what the log adds up to.

    It is `pastis verify` without a target. Exits with 1 where they are not. Run it while nothing is written.
    """
    check_database()


@db.command()
def compact(
    workspace: Annotated[str, typer.Argument(help="Slug, id or name of the workspace.")],
    keep_days: Annotated[int, typer.Option(min=1, help="Keep what happened in the last days.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Shorten a workspace's log: delete its older events, and with them the history that they tell.

    The documents stay as they are. What happened before can no longer be seen or undone. Others may go on
    working meanwhile, and clients that come back are told what changed since they left.
    """
    if not yes:
        typer.confirm(f"Delete the history of {workspace} that is older than {keep_days} days?", abort=True)

    async def work(services: Services) -> int:
        workspace_id = await find_workspace(services, workspace)
        compaction = Compaction(services.database)
        before = services.clock.now() - timedelta(days=keep_days)
        until = await compaction.until(workspace_id, before)
        await services.audit_follower.follow(workspace_id)  # it copies from the log
        deleted = await compaction.compact(workspace_id, until)
        await services.audit.record(
            AuditKind.LOG_SHORTEN, workspace_id=workspace_id, actor=OPERATOR, deleted=deleted, until=until
        )
        return deleted

    say(f"{counted(with_services(work), 'event')} deleted.")


@db.command(name="new-epoch")
def new_epoch() -> None:
    """Have all clients begin anew, after a backup was restored with MongoDB's tools.

    Run it before the processes start again: what is written then gets numbers that clients know already.
    """

    async def work(services: Services) -> int:
        return await services.sync.renew_epochs()

    say(f"The clients of {counted(with_services(work), 'workspace')} will begin anew.")


async def _refuse_breaking(settings: Settings) -> None:
    from app.core.database.engine import Database
    from app.models.migrations import MIGRATIONS

    database = Database.connect(settings)
    try:
        await migrations.refuse_breaking(database, MIGRATIONS)
    except migrations.BreakingMigrationError as error:
        fail(f"Not migrated: {error}. Deploy the release between, or stop all processes before you migrate.")
    finally:
        await database.close()


async def _describe(settings: Settings) -> list[tuple[str, str]]:
    from app.core.database.engine import Database

    database = Database.connect(settings)
    try:
        if not await database.is_ready():
            url = settings.database_url.get_secret_value() if settings.database_url else ""
            fail(
                f"No primary answers at {shown_url(url)} within {settings.database_timeout_seconds:g} s. "
                "Look whether MongoDB runs there as a replica set."
            )
        hello = await server.hello(database)
        product = _product(*await server.version(database))
        stored = await server.sizes(database)
    finally:
        await database.close()
    content = (
        f"{database.name}: {counted(stored['collections'], 'collection')}, "
        f"{counted(int(stored['objects']), 'document')}"
    )
    return [
        ("Server", f"{product} on {hello.get('me') or hello.get('primary') or 'an unnamed host'}"),
        ("Replica set", _replica_set(hello)),
        ("Database", content),
        (
            "Size",
            f"{_megabytes(stored['storageSize'])} of data, {_megabytes(stored['indexSize'])} of indexes",
        ),
    ]


def _product(version: str, secantus: str | None) -> str:
    return (
        f"MongoDB {version}" if secantus is None else f"SecantusDB {secantus} (answers as MongoDB {version})"
    )


def _replica_set(hello: dict[str, Any]) -> str:
    if "setName" not in hello:
        return "none: Pastis needs one for transactions"
    members = len(hello.get("hosts", []))
    return f"{hello['setName']}, primary, {counted(members, 'member')}"


def _megabytes(size: float) -> str:
    return f"{size / 1_000_000:.1f} MB"
