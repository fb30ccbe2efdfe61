"""Kills the process that makes each data set ready (SIGKILL) after each of its writes, and runs it again.

Wherever it was, documents must be the same in the end, and what their log says.
"""

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from app.core.config import Settings
from app.core.database.embedded import open_embedded
from app.core.database.engine import Database
from app.models.migrations import MIGRATIONS
from app.services.integrity import check_all
from app.utils.ids import new_id
from rehearsal.data_sets import digest, digests, levels, load
from rehearsal.deaths import end_lease

ROOT = Path(__file__).parents[1]


@asynccontextmanager
async def loaded(url: str, level: int) -> AsyncIterator[Database]:
    """A database with a data set, gone after the block."""
    name = f"rehearsal_{new_id()[-12:]}"
    database = Database.connect(Settings(database_url=SecretStr(url), database_name=name, _env_file=None))
    try:
        # What has expired stays as long as it is looked at.
        await database.client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
        await load(database, level)
        yield database
        await database.client.drop_database(name)
    finally:
        await database.close()


def prepare(url: str, name: str, after: int | None = None) -> int | None:
    """How many writes it took; None where the process was killed before."""
    command = [sys.executable, "-m", "rehearsal.migrating", url, name]
    ended = subprocess.run(
        [*command, *([] if after is None else ["--after", str(after)])],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=False,
    )
    if ended.returncode == -signal.SIGKILL:
        return None
    ended.check_returncode()
    return int(ended.stdout.splitlines()[-1])


async def rehearse(url: str, level: int, every: int) -> tuple[int, list[str]]:
    """How often it was killed, and what was wrong afterwards."""
    wanted = digests()[str(level)][str(len(MIGRATIONS))]
    kills, flaws = 0, []
    async with loaded(url, level) as database:
        writes = await asyncio.to_thread(prepare, url, database.name) or 0
    for step in range(0, writes, every):
        async with loaded(url, level) as database:
            if await asyncio.to_thread(prepare, url, database.name, step) is None:
                kills += 1
            await end_lease(database)
            await asyncio.to_thread(prepare, url, database.name)
            if await digest(database) != wanted:
                flaws.append(f"level {level}, killed after {step} writes: other documents")
            if not all(report.good for report in await check_all(database)):
                flaws.append(f"level {level}, killed after {step} writes: not what the log says")
    return kills, flaws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="kill after every so-many-th write alone")
    parser.add_argument("--level", type=int, action="append", help="take these data sets alone")
    arguments = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as folder, open_embedded(Path(folder)) as opened:
        for level in arguments.level or levels():
            begun = time.monotonic()
            kills, flaws = asyncio.run(rehearse(opened.url, level, arguments.every))
            print(
                f"level {level}: {kills} kills in {time.monotonic() - begun:.0f} s, {len(flaws)} flaws",
                flush=True,
            )
            wrong += flaws
    print(*wrong, sep="\n", end="")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
