"""Commands, as they are typed."""

import gc
import warnings

from typer.testing import CliRunner, Result

from app.cli import cli


def run(*arguments: str, stdin: str | None = None) -> Result:
    # PyMongo forgets a socket that was still connecting for its monitor when the client was closed.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        result = CliRunner().invoke(cli, list(arguments), input=stdin)
        gc.collect()
    return result
