"""The command `pastis`."""

import typer

from app import __version__
from app.commands.audit import audit
from app.commands.backups import backup, restore, verify
from app.commands.conformance import conformance
from app.commands.db import db
from app.commands.demo import demo
from app.commands.doctor import doctor
from app.commands.exports import export
from app.commands.imports import imports
from app.commands.mail import mail
from app.commands.openapi import openapi
from app.commands.serve import serve
from app.commands.settings import config
from app.commands.user import user
from app.commands.watch import watch

cli = typer.Typer(
    help="Plan projects and tasks: serve the API and look after its data.",
    no_args_is_help=True,
    # Local variables hold passwords and addresses.
    pretty_exceptions_show_locals=False,
)
cli.command()(serve)
cli.command()(config)
cli.command()(openapi)
cli.command()(export)
cli.command()(backup)
cli.command()(restore)
cli.command()(verify)
cli.command()(demo)
cli.command()(watch)
cli.command()(conformance)
cli.command()(doctor)
cli.add_typer(audit, name="audit")
cli.add_typer(db, name="db")
cli.add_typer(imports, name="import")
cli.add_typer(mail, name="mail")
cli.add_typer(user, name="user")


@cli.command()
def version() -> None:
    """Show the version."""
    typer.echo(f"pastis {__version__}")


def main() -> None:
    cli()


if __name__ == "__main__":
    main()
