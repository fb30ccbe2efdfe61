"""`pastis backup`, `pastis restore`, `pastis verify`: data as files, back again, and whether it is good."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from app.commands.console import counted, fail, load_settings, output, say
from app.commands.services import with_services
from app.core.config import Settings
from app.models.audit import AuditKind
from app.services.audit import OPERATOR
from app.services.backups import (
    Archive,
    BackupEngine,
    BackupError,
    Made,
    Restored,
    RestoreEngine,
    Verified,
    store_at,
    verify_all,
    wanted,
)
from app.services.bootstrap import Services
from app.services.integrity import Report, check_all
from app.services.memberships import Departures
from app.utils.times import rfc3339

Target = Annotated[str, typer.Argument(help="Folder of the backups, or s3://bucket/prefix.")]
_SHOWN = 50


def backup(
    target: Target,
    full: Annotated[
        bool, typer.Option("--full", help="Copy everything again, as a beginning for later ones.")
    ] = False,
    keep_days: Annotated[
        int | None, typer.Option(min=1, help="Then delete what only a restore to before that needs.")
    ] = None,
) -> None:
    """Back up everything, while others go on working.

    The first backup in a place is a full one; later ones hold what has come since. With PASTIS_BACKUP_KEY it
    is encrypted. Logins and API tokens are not in it.
    """
    archive = _archive(target, load_settings())

    async def work(services: Services) -> Made:
        engine = BackupEngine(services.database, services.clock)
        made = await engine.backup(archive, full=full, keep_days=keep_days)
        await services.audit.record(
            AuditKind.BACKUP_CREATE, actor=OPERATOR, number=made.number, full=made.why_full is not None
        )
        return made

    with _told():
        made = with_services(work, prepare=False)
    kind = "" if made.why_full is None else f", a full one, as {made.why_full}"
    say(
        f"Backup {made.number} of {rfc3339(made.at)}{kind}: {counted(made.workspaces, 'workspace')}, "
        f"{counted(made.events, 'event')}, {_megabytes(made.bytes)}."
    )
    if made.removed:
        say(f"{counted(made.removed, 'former backup')} deleted.")
    if made.lacking:
        fail(f"The logs lack {counted(made.lacking, 'event')}: pastis verify names them. All else is in it.")


def restore(
    target: Target,
    to_seq: Annotated[
        list[str] | None,
        typer.Option(metavar="WORKSPACE=NUMBER", help="Take a workspace back to this number of its log."),
    ] = None,
    at: Annotated[
        datetime | None, typer.Option(help="Take all workspaces back to this time, in UTC.")
    ] = None,
    number: Annotated[
        int | None, typer.Option("--backup", min=1, help="Restore this backup instead of the last one.")
    ] = None,
) -> None:
    """Restore a backup into an empty database, which PASTIS_DATABASE_URL and PASTIS_DATABASE_NAME name.

    Everything is read and found good before anything is written. Clients begin anew, everybody logs in anew,
    and API tokens are made anew. Run it again where it was interrupted.
    """
    if to_seq and at:
        fail("Take --to-seq or --at, not both.")
    archive = _archive(target, load_settings())

    async def work(services: Services) -> Restored:
        departures = Departures(services.database, services.writers)
        engine = RestoreEngine(services.database, services.sync, departures, services.clock)
        time = None if at is None else at.replace(tzinfo=at.tzinfo or UTC)
        restored = await engine.restore(archive, number=number, seqs=wanted(to_seq or []), at=time)
        await services.audit.record(AuditKind.BACKUP_RESTORE, actor=OPERATOR, number=restored.numbers[1])
        return restored

    with _told():
        restored = with_services(work, prepare=False)
    _tell(restored)


def _tell(restored: Restored) -> None:
    _show(restored.reports)
    first, last = restored.numbers
    say(f"Restored backup {last}, by those from {first} on, as of {rfc3339(restored.at)}.")
    if restored.erased:
        say(f"The names of {counted(restored.erased, 'membership')} of deleted accounts were erased again.")
    say("Delete again whose account was deleted since then: pastis user delete.")
    for line in restored.miscounted:
        output().print(line)
    if not restored.good:
        fail("What was restored is not what its log says. So it was when it was backed up: pastis verify.")


def verify(
    target: Annotated[
        str | None, typer.Argument(help="Folder of backups, or s3://bucket/prefix; without it, the database.")
    ] = None,
) -> None:
    """Check backups: every file is as it was written, can be read, and the log goes on from one to the next.

    Without a target, check the database: that every workspace's log has no gaps, and that its documents are
    what the log adds up to; run that while nothing is written. Exits with 1 where something is wrong.
    """
    if target is None:
        check_database()
        return
    archive = _archive(target, load_settings())
    with _told():
        found = verify_all(archive)
    for one in found:
        output().print(_line(one))
    output().print(f"{counted(sum(one.files for one in found), 'file')} checked: all good.")


def check_database() -> None:
    """Hold every workspace's documents against its log; exits with 1 where they differ."""

    async def work(services: Services) -> list[Report]:
        return await check_all(services.database)

    reports = with_services(work)
    _show(reports)
    if not all(report.good for report in reports):
        fail("The database is not what its log says.")
    output().print(f"{counted(len(reports), 'workspace')} checked: all good.")


def _show(reports: Sequence[Report]) -> None:
    for report in reports:
        output().print(
            f"{report.workspace_id}: {counted(report.events, 'event')}, "
            f"{counted(report.documents, 'document')}, {counted(len(report.gaps), 'gap')}, "
            f"{counted(len(report.differences), 'difference')}"
        )
        for line in [*(f"  event {seq} is missing" for seq in report.gaps), *report.differences][:_SHOWN]:
            output().print(f"  {line}")


def _line(one: Verified) -> str:
    first, last = one.numbers
    name = f"Backup {first}" if first == last else f"Backups {first} to {last}"
    lacking = f", {counted(one.lacking, 'number')} without an event" if one.lacking else ""
    return (
        f"{name}, as of {rfc3339(one.at)}: {counted(one.files, 'file')}, {_megabytes(one.bytes)}, "
        f"{counted(one.workspaces, 'workspace')}, {counted(one.events, 'event')}{lacking}"
    )


def _archive(target: str, settings: Settings) -> Archive:
    key = None if settings.backup_key is None else settings.backup_key.get_secret_value().encode()
    with _told():
        return Archive(store_at(target), key)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BackupError as error:
        fail(str(error))


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
