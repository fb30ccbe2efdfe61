"""`pastis config`: the settings in force, where each comes from, and what production refuses."""

import typer
from pydantic import SecretStr
from rich.table import Table

from app.commands.console import load_settings, output, say, shown_url, warn_of_unknown_settings
from app.core.config import Settings, variable, variables_of_environment, variables_of_file


def config() -> None:
    """Show every setting, its value (secrets hidden), where it comes from and what it means.

    Exits with 1 when production would refuse to start.
    """
    warn_of_unknown_settings()
    settings = load_settings()
    table = Table("Variable", "Value", "From", "Meaning", box=None, pad_edge=False)
    environment, file = variables_of_environment(), variables_of_file()
    for name, field in Settings.model_fields.items():
        source = _source(variable(name), environment, file)
        table.add_row(variable(name), _shown(settings, name), source, field.description)
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
        return ",".join(str(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _source(name: str, environment: set[str], file: set[str]) -> str:
    if name in environment:
        return "environment"
    return ".env" if name in file else "default"
