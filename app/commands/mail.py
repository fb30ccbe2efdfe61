"""`pastis mail`: whether mails can be sent."""

from typing import Annotated

import typer

from app.commands.console import fail, output
from app.commands.services import with_services
from app.services.bootstrap import Services
from app.services.mail.transport import Undeliverable

mail = typer.Typer(help="Look after the sending of mails.", no_args_is_help=True)


@mail.callback()
def _group() -> None:
    """A group, though it has one command."""


@mail.command()
def test(email: Annotated[str, typer.Argument(help="Where the mail goes.")]) -> None:
    """Send a mail at once, and say whether the mail server took it."""

    async def work(services: Services) -> str:
        try:
            await services.mail.test(email)
        except (Undeliverable, ValueError) as exc:
            return str(exc)
        return ""

    problem = with_services(work)
    if problem:
        fail(f"The mail could not be sent: {problem}")
    output().print(f"Sent to {email}.")
