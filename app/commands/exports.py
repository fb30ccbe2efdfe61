"""`pastis export`: a workspace as a file."""

import gzip
import sys
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from app.commands.console import counted, fail, say
from app.commands.services import find_workspace, with_services
from app.models.audit import AuditKind
from app.services.audit import OPERATOR
from app.services.bootstrap import Services
from app.services.exports import ExportEngine, Summary


def export(
    workspace: Annotated[str, typer.Argument(help="Slug, id or name of the workspace.")],
    output: Annotated[
        Path | None,
        typer.Option(help="File to write instead of standard output; compressed if it ends in .gz."),
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Export the log of all changes too.")] = False,
) -> None:
    """Write everything of a workspace as lines of JSON, as of one moment, while others go on working.

    The first line says what the file is; each other line is a document, with its kind. Accounts are not in
    it, only the memberships. A file appears whole or not at all.
    """
    summary = Summary()

    async def work(services: Services) -> None:
        workspace_id = await find_workspace(services, workspace)
        lines = ExportEngine(services.database, services.clock).lines(workspace_id, summary, history=history)
        with _opened(output) as file:
            async with aclosing(lines):
                async for line in lines:
                    file.write(line)
        await services.audit.record(
            AuditKind.EXPORT_CREATE, workspace_id=workspace_id, actor=OPERATOR, history=history
        )

    with_services(work)
    counts = ", ".join(counted(count, kind) for kind, count in summary.lines.items())
    say(f"Exported as of change {summary.seq:,}: {counts}.")


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = path.with_name(f"{path.name}.part")
    try:
        with draft.open("wb") as file:
            if path.suffix == ".gz":
                # Without the time in it, the same export is the same file.
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                    yield packed  # type: ignore[misc] # it writes, which is all that is asked of it
            else:
                yield file
        draft.replace(path)
    except OSError as error:
        fail(f"Cannot write {path}: {error.strerror}.")
    finally:
        draft.unlink(missing_ok=True)
