"""`pastis config`: the settings in force, where each comes from, and what production refuses."""

import os

import typer
from dotenv import dotenv_values
from pydantic import SecretStr
from rich.table import Table

from app.commands.console import load_settings, output, say, shown_url
from app.core.config import Settings, variable


def config() -> None:
    """Show every setting, its value (secrets hidden), where it comes from and what it means.

    Exits with 1 when production would refuse to start.
    """
    settings = load_settings()
    table = Table("Variable", "Value", "From", "Meaning", box=None, pad_edge=False)
    file = _file_names()
    for name, field in Settings.model_fields.items():
        table.add_row(variable(name), _shown(settings, name), _source(name, file), field.description)
    output().print(table)
    problems = settings.problems()
    for problem in problems:
        say(f"Refused in production: {problem}")
    if problems:
        raise typer.Exit(1)


def _shown(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if value is None or value == []:
        return "-"
    if isinstance(value, SecretStr):
        return shown_url(value.get_secret_value()) if name == "database_url" else "(hidden)"
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _source(name: str, file: set[str]) -> str:
    if variable(name) in {key.upper() for key, value in os.environ.items() if value}:
        return "environment"
    return ".env" if variable(name) in file else "default"


def _file_names() -> set[str]:
    path = Settings.model_config.get("env_file")
    return {key.upper() for key, value in dotenv_values(str(path)).items() if value}
