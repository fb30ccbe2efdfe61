"""`pastis user`: the accounts of this installation."""

import sys
from typing import Annotated

import typer
from rich.table import Table

from app.commands.console import output
from app.commands.context import SOURCE
from app.commands.services import with_services
from app.core.security import new_password
from app.services.audit import OPERATOR, AuditKind
from app.services.bootstrap import Services

user = typer.Typer(help="Make and look after accounts.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input; else one is made.")
]


def _password(from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if from_stdin else new_password()


def _tell(email: str, password: str, from_stdin: bool) -> None:
    output().print(f"Account: {email}" if from_stdin else f"Account: {email}\nPassword: {password}")


@user.command()
def add(
    email: Email,
    name: Annotated[str, typer.Option(help="The name that others see.")],
    password_stdin: FromStdin = False,
) -> None:
    """Make an account and show its password, which is shown only now."""
    password = _password(password_stdin)

    async def work(services: Services) -> str:
        account = await services.users.create(email, name, password)
        await services.audit.record(AuditKind.ACCOUNT_CREATE, account.id, actor=OPERATOR)
        return account.email

    _tell(with_services(work), password, password_stdin)


@user.command(name="list")
def list_() -> None:
    """Show all accounts."""

    async def work(services: Services) -> list[tuple[str, ...]]:
        users = await services.users.list_all()
        return [
            (
                one.email,
                one.display_name,
                "active" if one.active else "deactivated",
                str(one.created_at.date()),
            )
            for one in users
        ]

    table = Table("E-mail", "Name", "State", "Since", box=None, pad_edge=False)
    for row in with_services(work):
        table.add_row(*row)
    output().print(table)


@user.command()
def password(email: Email, password_stdin: FromStdin = False) -> None:
    """Set a new password and end all logins of the account."""
    fresh = _password(password_stdin)

    async def work(services: Services) -> str:
        return await services.auth.reset_password(email, fresh)

    _tell(with_services(work), fresh, password_stdin)


@user.command(name="reset-factors")
def reset_factors(email: Email) -> None:
    """Take all second factors and passkeys from an account, and end its logins."""

    async def work(services: Services) -> str:
        return await services.auth.reset_factors(email)

    output().print(f"Without second factors: {with_services(work)}")


@user.command()
def deactivate(email: Email) -> None:
    """Keep an account from logging in, and end its logins. What it did stays."""

    async def work(services: Services) -> str:
        return await services.auth.set_active(email, active=False)

    output().print(f"Deactivated: {with_services(work)}")


@user.command()
def delete(email: Email) -> None:
    """Delete an account for good, with all that is personal. What it did stays, as a deleted user's."""

    async def work(services: Services) -> str:
        return await services.accounts.delete_address(email, SOURCE)

    output().print(f"Deleted: {with_services(work)}")


@user.command()
def activate(email: Email) -> None:
    """Let a deactivated account log in again."""

    async def work(services: Services) -> str:
        return await services.auth.set_active(email, active=True)

    output().print(f"Activated: {with_services(work)}")
