"""Looks at an installation, and changes nothing."""

import os
import shutil
import ssl
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from odmantic import Model

from app.core.clock import system_now
from app.core.config import Settings, unknown_variables
from app.core.database import migrations, server
from app.core.database.engine import Database
from app.core.database.migrations import Migration
from app.core.jobs import JobKind, JobState
from app.core.telemetry import Telemetry
from app.services.doctor import rules
from app.services.doctor.certificates import certificate_end
from app.services.doctor.rules import Finding, Health
from app.services.jobs import JobEngine
from app.services.mail import Undeliverable, greet


async def examine(
    settings: Settings, database: Database, models: Sequence[type[Model]], known: Sequence[Migration]
) -> AsyncIterator[Finding]:
    """All there is to say, in an order to read it in. `known` are the migrations of this version."""
    yield rules.settings(settings.problems(), [name for name, _ in unknown_variables()])
    yield rules.public_url(settings.public_url, production=settings.production)
    if settings.public_url.startswith("https://"):
        yield await _certificate(settings.public_url)
    for finding in _machine(settings):
        yield finding
    if await database.is_ready():
        async for finding in _database(settings, database, models, known):
            yield finding
    else:
        advice = "Look whether MongoDB runs there as a replica set, and whether the account is right."
        yield Finding("database", Health.BAD, "no primary answers", advice)
    yield await _mail(settings)


async def _certificate(url: str) -> Finding:
    left = problem = None
    try:
        left = await certificate_end(url) - system_now()
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message
    except OSError:
        pass
    return rules.certificate(left, problem)


def _machine(settings: Settings) -> Iterator[Finding]:
    folder = _nearest(settings.data_dir)
    mode = folder.stat().st_mode
    # Above the folder itself others may well read.
    open_to_others = folder == settings.data_dir and sys.platform != "win32" and bool(mode & 0o077)
    yield rules.folder(
        str(settings.data_dir), writable=os.access(folder, os.W_OK), readable_by_others=open_to_others
    )
    usage = shutil.disk_usage(folder)
    yield rules.disk("disk", usage.free, usage.total)
    yield rules.files(_most_files(), settings.max_streams)


def _nearest(path: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())


def _most_files() -> int | None:
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if most == resource.RLIM_INFINITY else most


async def _database(
    settings: Settings, database: Database, models: Sequence[type[Model]], known: Sequence[Migration]
) -> AsyncIterator[Finding]:
    production = settings.production
    answers_as, secantus = await server.version(database)
    yield rules.version(answers_as, secantus)
    before = system_now()
    hello = await server.hello(database)
    now = before + (system_now() - before) / 2
    yield rules.replica_set(hello, await server.members(database), production=production)
    yield rules.clock(now - hello["localTime"])
    yield rules.account(await server.privileges(database), database.name, production=production)
    states = await migrations.status(database, known)
    yield rules.migrations({one["name"]: one["state"] for one in states})
    yield rules.indexes([name for model in models async for name in _missing(database, model)])
    yield await _jobs(settings, database)
    stored = await server.sizes(database)
    if "fsTotalSize" in stored:
        free = stored["fsTotalSize"] - stored["fsUsedSize"]
        yield rules.disk("database's disk", free, stored["fsTotalSize"])
    since = await server.oplog_since(database)
    if since is not None:
        yield rules.oplog(max(timedelta(), now - since), production=production)


async def _missing(database: Database, model: type[Model]) -> AsyncIterator[str]:
    collection = model.__collection__
    wanted = {one.document["name"] for one in model.__indexes__() if hasattr(one, "document")}
    for name in sorted(wanted - await server.index_names(database, collection)) if wanted else ():
        yield f"{collection}.{name}"


async def _jobs(settings: Settings, database: Database) -> Finding:
    counts = await JobEngine(database, Telemetry()).counts()
    failed = sum(one["n"] for one in counts if one["_id"]["state"] == JobState.FAILED)
    # Mails that have no server to go to are told of as such.
    lost = {JobKind.MAIL.value} if settings.production and settings.smtp_host is None else set()
    waiting = [
        one["due"]
        for one in counts
        if one["_id"]["state"] == JobState.QUEUED and one["_id"]["kind"] not in lost
    ]
    return rules.jobs(failed, max(waiting, default=0.0))


async def _mail(settings: Settings) -> Finding:
    problem = None
    if settings.smtp_host is not None:
        try:
            await greet(settings)
        except Undeliverable as error:
            problem = str(error)
    return rules.mail(settings.smtp_host, problem, production=settings.production)
