"""`pastis doctor`: whether this installation is well, and what to do where it is not."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from app.commands.console import fail, load_settings, reachable
from app.core.config import Settings
from app.core.database.engine import Database
from app.models import DOCUMENTS
from app.models.migrations import MIGRATIONS
from app.services.doctor import Finding, Health, examine

_MARKS = {Health.GOOD: "ok", Health.WARNING: "WARN", Health.BAD: "BAD"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Lines of JSON, for scripts.")] = False,
) -> None:
    """Look at settings, certificate, database, indexes, clock, disks and mail, and say what helps.

    Changes nothing. Exits with 1 where something is bad; warnings alone are no failure.
    """
    with reachable(load_settings()) as settings:
        findings = asyncio.run(_examine(settings))
    for finding in findings:
        # Lines of JSON stay lines, however wide the terminal is.
        typer.echo(json.dumps(asdict(finding)) if as_json else _line(finding))
    bad = [finding.about for finding in findings if finding.health is Health.BAD]
    if bad:
        fail(f"Not well: {', '.join(bad)}.")


async def _examine(settings: Settings) -> list[Finding]:
    database = Database.connect(settings)
    try:
        return [finding async for finding in examine(settings, database, DOCUMENTS, MIGRATIONS)]
    finally:
        await database.close()


def _line(finding: Finding) -> str:
    line = f"{_MARKS[finding.health]:<5}{finding.about:<16}{finding.text}"
    return f"{line}\n{'':<21}{finding.advice}" if finding.advice else line
