"""Makes the data set of a version's level: serves that version, works with it, and keeps all it stored.

`python -m rehearsal.capture` does it with this code, `--code FOLDER` with that of an earlier version. It also
notes what each data set becomes.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from pathlib import Path

import httpx2
from pydantic import SecretStr

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.embedded import open_embedded
from app.core.database.engine import Database
from app.core.database.migrations import COLLECTION as MIGRATION_RECORDS
from app.core.database.migrations import migrate
from app.models.migrations import MIGRATIONS
from app.utils.ids import new_id
from chaos.service import free_port
from rehearsal.data_sets import DIGESTS, digest, digests, dump, levels, load, path_of, write
from rehearsal.work import COLLEAGUE, EMAIL, PASSWORD, WORKSPACE, do

ROOT = Path(__file__).parents[1]
EXCERPT = ROOT / "app" / "data" / "fluid-excerpt.jsonl"
ISSUES = 12
START_SECONDS = 60.0


class Version:
    """The command `pastis` of some code, on a database."""

    def __init__(self, code: Path, folder: Path, database_url: str) -> None:
        self._folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PASTIS_")}
        self._environment = kept | {
            "PYTHONPATH": os.pathsep.join([str(code), str(code / "clients" / "python")]),
            "PASTIS_DATA_DIR": str(folder / "pastis"),
            "PASTIS_DATABASE_URL": database_url,
            "PASTIS_LOG_LEVEL": "WARNING",
        }

    def run(self, *arguments: str, said: str = "") -> None:
        subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=self._folder,
            env=self._environment,
            input=said.encode(),
            check=True,
        )

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port)]
        with subprocess.Popen(command, cwd=self._folder, env=self._environment) as process:
            try:
                _until_ready(url)
                yield url
            finally:
                process.terminate()


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(f"{url}/health/ready").status_code == HTTPStatus.OK:
                return
        time.sleep(0.1)
    raise RuntimeError(f"nobody serves at {url}")


def fill(version: Version, folder: Path) -> None:
    """Real issues by an import, then work over the API."""
    excerpt = folder / "issues.jsonl"
    excerpt.write_text("".join(EXCERPT.read_text().splitlines(keepends=True)[:ISSUES]))
    for email, name in ((EMAIL, "Justin Obara"), (COLLEAGUE, "Colin Clark")):
        version.run("user", "add", email, "--name", name, "--password-stdin", said=f"{PASSWORD}\n")
    version.run("import", "jira-archive", str(excerpt), "--workspace", WORKSPACE, "--as", EMAIL)


async def level_of(settings: Settings) -> int:
    """The last migration that a database has had."""
    async with _connected(settings) as database:
        done = database.raw(MIGRATION_RECORDS).find({"state": "done"}).sort("_id", -1)
        last = await done.next()
    return int(last["_id"])


async def keep(settings: Settings, level: int) -> None:
    """Write all that is stored to the data set of its level."""
    async with _connected(settings) as database:
        write(path_of(level), await dump(database))


@contextlib.asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Database]:
    database = Database.connect(settings)
    try:
        yield database
    finally:
        await database.close()


async def note_digests(settings: Settings, made: int) -> None:
    """What each data set is at its own level, and after each migration since; what is noted stays.

    Unless the data set is the one that was made.
    """
    noted = {level: one for level, one in digests().items() if level != str(made)}
    for level in levels():
        own = settings.model_copy(update={"database_name": f"digest_{new_id()[-12:]}"})
        found = noted.setdefault(str(level), {})
        async with _connected(own) as database:
            await load(database, level)
            for one in MIGRATIONS[level - 1 :]:
                await migrate(database, MIGRATIONS[: one.number], Clock())
                found.setdefault(str(one.number), await digest(database))
    DIGESTS.write_text(json.dumps(noted, indent=1, sort_keys=True) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--code", type=Path, default=ROOT, help="the folder of the version, else this one")
    code = parser.parse_args().code
    with tempfile.TemporaryDirectory() as name, open_embedded(Path(name)) as opened:
        settings = Settings(database_url=SecretStr(opened.url), _env_file=None)
        version = Version(code.resolve(), Path(name), opened.url)
        fill(version, Path(name))
        with version.serving() as url:
            level = asyncio.run(level_of(settings))
            do(url, level)
        asyncio.run(keep(settings, level))
        asyncio.run(note_digests(settings, level))
    path = path_of(level)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.1f} KB")


if __name__ == "__main__":
    main()
