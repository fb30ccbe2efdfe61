"""Faults of the database, its disk, and the way to it."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from time import monotonic

from pymongo.errors import PyMongoError

from app.core.database.engine import Database
from chaos.failover import BLOWS, Blow
from chaos.replica_set import MEMBERS, Member
from chaos.service import Service
from chaos.stage import accepted, stage
from chaos.trial import NotHereError, Trial, Work

_DISK_MEGABYTES = 700
_FULL_SECONDS = 12.0
_SLOW_SECONDS = 15.0
_STALLED_SECONDS = 10.0
_AGAIN_SECONDS = 1.0
_MB = 1_048_576


async def primary_killed(trial: Trial) -> None:
    await _lose_primary(trial, BLOWS["killed (SIGKILL)"])


async def primary_cut_off(trial: Trial) -> None:
    await _lose_primary(trial, BLOWS["cut off from the others"])


async def _lose_primary(trial: Trial, blow: Blow) -> None:
    async with (
        stage(trial.folder, trial.chance, members=MEMBERS) as site,
        trial.writes(site.service, site.database.url) as work,
    ):
        member = await site.database.primary()
        async with trial.fault(work):
            begun = monotonic()
            with blow(site, member):
                await site.database.primary(besides=member)
                trial.see(f"another primary after {monotonic() - begun:.1f} s")
                await accepted(work.ledger, monotonic())
        await site.database.whole()


async def disk_full(trial: Trial) -> None:
    """Of a database of one member, which somebody starts again whenever it has died."""
    with _small_disk(trial.folder / "disk") as disk:
        async with (
            stage(trial.folder, trial.chance, disk=disk) as site,
            trial.writes(site.service, site.database.url) as work,
            _supervised(site.database.members[0]) as deaths,
        ):
            await _fill(trial, disk, work)
            trial.see(f"mongod died {len(deaths)} times")


async def disk_full_embedded(trial: Trial) -> None:
    """Of the database that Pastis starts itself, with its log beside it; Pastis starts it again, too."""
    service = Service(trial.folder, 5.0)
    service.data_dir.mkdir()
    with _small_disk(service.data_dir) as disk:
        try:
            await service.start()
            url = service.database_url()
            async with trial.writes(service, url) as work:
                await _fill(trial, disk, work)
        finally:
            await service.end()


async def _fill(trial: Trial, disk: Path, work: Work) -> None:
    filler = disk / "filler"
    async with trial.fault(work):
        end = monotonic() + _FULL_SECONDS * trial.part
        while monotonic() < end:
            _append(filler)
            with suppress(PyMongoError), Database.within(_AGAIN_SECONDS):
                # A checkpoint, which comes once a minute otherwise, needs room.
                await work.book.database.client.admin.command("fsync")
            await asyncio.sleep(0.1)
        trial.see(f"{shutil.disk_usage(disk).free // 1024} KB free")
        filler.unlink()


def _append(filler: Path) -> None:
    """As long as there is any room."""
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(b"x" * _MB)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """Memory as a disk, at this folder; raises NotHereError."""
    if os.geteuid() != 0:
        raise NotHereError("only root may mount a small disk")
    folder.mkdir(exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={_DISK_MEGABYTES}m", "pastis-chaos", str(folder)]
    done = subprocess.run(["mount", *options], check=False, capture_output=True, text=True)
    if done.returncode:
        raise NotHereError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@asynccontextmanager
async def _supervised(member: Member) -> AsyncIterator[list[float]]:
    """Start it again whenever it has died, as systemd and Compose do; gives when that was."""
    deaths: list[float] = []

    async def look() -> None:
        while True:
            if not member.lives():
                deaths.append(monotonic())
                member.start()
            await asyncio.sleep(_AGAIN_SECONDS)

    looking = asyncio.create_task(look())
    try:
        yield deaths
    finally:
        looking.cancel()


async def slow(trial: Trial) -> None:
    async with (
        stage(trial.folder, trial.chance) as site,
        trial.writes(site.service, site.database.url) as work,
        trial.fault(work),
    ):
        before = len(work.ledger.acknowledged)
        site.network.move_away(0.15)  # either way
        await asyncio.sleep(_SLOW_SECONDS * trial.part)
        site.network.move_away(0.0)
        trial.see(f"{len(work.ledger.acknowledged) - before} writes accepted meanwhile")


async def stalled(trial: Trial) -> None:
    """Nothing comes through, and nobody is told so."""
    async with (
        stage(trial.folder, trial.chance) as site,
        trial.writes(site.service, site.database.url) as work,
        trial.fault(work),
    ):
        site.network.stall()
        await asyncio.sleep(_STALLED_SECONDS * trial.part)
        site.network.flow()
