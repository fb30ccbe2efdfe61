"""`pastis openapi`: the description of the API as one file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.commands.console import fail, load_settings
from app.core.config import Environment


def openapi(
    output: Annotated[Path | None, typer.Option(help="File to write instead of standard output.")] = None,
) -> None:
    """Write the OpenAPI document of the API as JSON, sorted, so that versions compare well."""
    from app.main import create_app

    # It is the same everywhere, so unsafe settings are no reason to withhold it.
    settings = load_settings().model_copy(update={"env": Environment.TEST})
    document = create_app(settings).openapi()
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"Cannot write {output}: {error.strerror}.")
