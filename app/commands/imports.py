"""`pastis import`: bring in what other systems wrote."""

from pathlib import Path
from typing import IO, Annotated

import typer

from app.commands.console import fail, say

imports = typer.Typer(help="Bring in what other systems wrote.", no_args_is_help=True)

INTERRUPTED = 130


@imports.command("jira-archive")
def jira_archive(
    file: Annotated[Path, typer.Argument(help="JSON lines, one issue each; plain or gzip.")],
    workspace: Annotated[
        str, typer.Option(help="Slug or name of the workspace; one that is not there is made.")
    ],
    email: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="EMAIL", help="Account to import for; else the workspace's first owner."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be, and import nothing.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing where any line is bad.")] = False,
) -> None:
    """Import issues, comments, people and labels from an archive of Jira.

    Running it again imports what is missing and nothing twice, so it may be interrupted at any time.

    Exits with 0 when every line is imported, 3 when some were not, 1 when the import failed, and 130 when
    it was interrupted.
    """
    try:
        with _open(file) as archive:
            from app.commands.import_run import perform

            code = perform(archive, workspace, email, dry_run=dry_run, strict=strict)
    except KeyboardInterrupt:
        say("Interrupted. Run the same command again to go on from here.")
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(code)


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        fail(f"Cannot read {path}: {error.strerror}.")
