"""A server to talk to as a client, and in whose name."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import httpx2
import typer
from pastis_client import Client, LoginEndedError, ProblemError, UnauthorizedError, UnreachableError

from app.commands.console import fail, say

T = TypeVar("T")
TOKEN = "PASTIS_TOKEN"  # noqa: S105 - the variable's name
TokenFile = Annotated[
    Path | None, typer.Option(help=f"File with a token, instead of {TOKEN}; else you are asked to log in.")
]


def as_client(work: Callable[[], Awaitable[T]]) -> T | None:
    """Run it until it ends or Ctrl-C does; what the server refuses is told, and the command exits with 1."""

    async def run() -> T:
        return await work()

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        say("Stopped.")
        return None
    except LoginEndedError:
        fail("The login has ended. Log in again, or take another token.")
    except (ProblemError, UnreachableError) as error:
        fail(f"The server answers: {error}" if isinstance(error, ProblemError) else f"No answer: {error}")


@asynccontextmanager
async def logged_in(url: str, token_file: Path | None, patience: float) -> AsyncIterator[Client]:
    """A client with a token, or with the login of who sits here; it waits so long for an answer."""
    if httpx2.URL(url).scheme not in ("http", "https"):
        fail(f"{url} is no address of a server, such as http://127.0.0.1:8001.")
    token = _token(token_file)
    async with Client(url, token=token, patience=patience) as client:
        if token is None:
            await _log_in(client)
        yield client


def _token(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(TOKEN) or None
    try:
        return file.read_text("utf-8").strip() or fail(f"{file} is empty.")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")


async def _log_in(client: Client) -> None:
    if not sys.stdin.isatty():
        fail(f"Nobody is here to log in: set {TOKEN}, or take --token-file.")
    email, password = _ask("E-mail address"), _ask("Password", hidden=True)
    try:
        await client.login(email, password)
    except UnauthorizedError as refusal:
        if refusal.code != "factor_required":
            raise
        await client.session.confirm(refusal.body["challenge"], totp=_ask("Code of your authenticator"))


def _ask(text: str, *, hidden: bool = False) -> str:
    # The event loop would only note a Ctrl-C, and go on waiting for the answer.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return str(typer.prompt(text, hide_input=hidden, err=True))
    finally:
        signal.signal(signal.SIGINT, former)
