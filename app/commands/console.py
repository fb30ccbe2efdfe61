"""What every command shares: settings, the database they name, and how trouble is told."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

import typer
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError
from rich.console import Console

from app.core.config import Settings, said, unknown_variables, variable

_PIPE_WIDTH = 200


def output() -> Console:
    """Give the console for results: wide where no terminal sets the width, so that lines stay whole."""
    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False, markup=False)


def say(text: str) -> None:
    """Tell what happens, on stderr, so that results can be piped."""
    typer.echo(text, err=True)


def fail(text: str) -> NoReturn:
    """Say what is wrong and exit with 1."""
    typer.secho(text, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)


def counted(number: int, noun: str) -> str:
    """Give `1 task`, `2 tasks`, `2 statuses`."""
    many = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else many}"


def load_settings() -> Settings:
    """Read the settings; wrong ones are all named, without their values, and the command exits with 1."""
    try:
        return Settings()
    except ValidationError as error:
        # What concerns several settings has no place, and names them itself.
        lines = [f"  {': '.join([*map(_place, part['loc'][:1]), said(part)])}" for part in error.errors()]
        fail("\n".join(["These settings are wrong:", *lines]))
    except SettingsError as error:
        fail(f"The settings cannot be read: {error}")


def _place(name: str | int) -> str:
    return variable(str(name))


def warn_of_unknown_settings() -> None:
    """Name on one line each variable that looks like a setting and is none: a typing error is easily made."""
    for name, meant in unknown_variables():
        hint = f" Did you mean {meant}?" if meant else ""
        say(f"{name} is no setting of Pastis, and does nothing.{hint}")


@contextmanager
def reachable(settings: Settings) -> Iterator[Settings]:
    """Give settings whose `database_url` is set, by the embedded database if need be, for the block.

    SIGTERM and a closed terminal end the block like Ctrl-C, so that whatever it opened is closed.
    """
    with _interrupted_by_signals():
        if settings.database_url:
            say(f"Database: {shown_url(settings.database_url.get_secret_value())}")
            yield settings
            return
        if settings.production:
            fail("\n".join(settings.problems()))
        with _embedded(settings) as url:
            yield settings.model_copy(update={"database_url": SecretStr(url)})


@contextmanager
def _embedded(settings: Settings) -> Iterator[str]:
    from app.core.database.embedded import open_embedded
    from app.core.database.embedded_keeper import kept_alive
    from app.core.database.embedded_locks import EmbeddedDatabaseError

    try:
        with open_embedded(settings.data_dir, cache_gb=settings.embedded_cache_gb) as database:
            say(database.line)
            with kept_alive(database):
                yield database.url
    except EmbeddedDatabaseError as error:
        fail(str(error))


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    # The API's server takes these signals for itself while it runs and raises them again afterwards.
    former = {signal.SIGTERM: signal.signal(signal.SIGTERM, _interrupt)}
    if sys.platform != "win32":
        former[signal.SIGHUP] = signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Do as Ctrl-C does: while asyncio runs, that cancels, as what is raised in its callbacks may be lost."""
    ctrl_c = signal.getsignal(signal.SIGINT)
    if not callable(ctrl_c):  # a shell's background jobs ignore it
        raise KeyboardInterrupt
    ctrl_c(number, frame)


def shown_url(url: str) -> str:
    """Leave out the credentials and the options, which may hold secrets too."""
    scheme, _, rest = url.partition("://")
    credentials, at, address = rest.rpartition("@")
    return f"{scheme}://{'***@' if credentials or at else ''}{address.partition('?')[0]}"
