"""The command `pastis`. Its commands are imported when asked for, as many need the whole application."""

from collections import UserDict
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group

from app import __version__

COMMANDS = {
    "audit": "audit:audit",
    "backup": "backups:backup",
    "config": "settings:config",
    "conformance": "conformance:conformance",
    "db": "db:db",
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "export": "exports:export",
    "import": "imports:imports",
    "jobs": "jobs:jobs",
    "mail": "mail:mail",
    "openapi": "openapi:openapi",
    "restore": "backups:restore",
    "serve": "serve:serve",
    "user": "user:user",
    "verify": "backups:verify",
    "watch": "watch:watch",
    "work": "work:work",
}
"""Where each is in `app.commands`, and what it is called there."""


class _Imported(UserDict[str, Any]):
    """Commands by their names, imported when they are looked up."""

    def __getitem__(self, name: str) -> Any:
        found = super().__getitem__(name)
        if isinstance(found, str):
            module, _, attribute = found.partition(":")
            found = self.data[name] = _command(
                name, getattr(import_module(f"app.commands.{module}"), attribute)
            )
        return found


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Imported(sorted({**self.commands, **COMMANDS}.items()))


def _command(name: str, found: Any) -> Any:
    """What Typer makes of a group of commands, or of a function."""
    if isinstance(found, typer.Typer):
        group = get_group(found)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False)
    alone.command(name)(found)
    return get_command(alone)


cli = typer.Typer(
    cls=_Commands,
    help="Plan projects and tasks: serve the API and look after its data.",
    no_args_is_help=True,
    # Local variables hold passwords and addresses.
    pretty_exceptions_show_locals=False,
)


@cli.callback()
def _group() -> None:
    """A group, though it has one command of its own."""


@cli.command()
def version() -> None:
    """Show the version."""
    typer.echo(f"pastis {__version__}")


def main() -> None:
    cli()


if __name__ == "__main__":
    main()
