"""Backups beside 16 writers, and what comes of them: `make bench-backups`. Prints a table."""

import argparse
import asyncio
import contextlib
import http.client
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from pymongo import UpdateOne

from app.core.config import Settings
from app.core.database.embedded import open_embedded
from app.core.database.engine import Database, unhurried
from app.core.documents import Doc, Entity, public
from app.core.log import Event, Head, event_id
from app.models import DOCUMENTS, ENTITIES
from app.models.audit import AuditEntry, AuditHead
from app.models.projects import Project
from app.models.statuses import Status
from app.models.tasks import Task
from app.services.backups import rules as backup_rules
from app.services.integrity import rules
from benchmarks import load
from benchmarks.processes import CONNECTIONS
from benchmarks.sync.stage import Server, Stage, set_up

BATCH = 1000
COPY, FORMER = "copy", "former"


@dataclass
class Bench:
    stage: Stage
    target: Path
    rows: list[tuple[str, ...]] = field(default_factory=list)
    deleted: Doc = field(default_factory=dict)

    def row(self, name: str, *cells: str) -> None:
        self.rows.append((name, *cells))
        print(" | ".join(self.rows[-1]), flush=True)

    async def pastis(self, name: str, *arguments: str, database: str = "bench") -> None:
        """A command as a process: how long it takes, its CPU time, and its memory at most."""
        before, sizes = time.monotonic(), _size(self.target)
        environment = os.environ | self.stage.environment | {"PASTIS_DATABASE_NAME": database}
        process = await asyncio.create_subprocess_exec(
            *("/usr/bin/env", sys.executable, "-m", "benchmarks.backups", "--run", *arguments),
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        out, err = await process.communicate()
        seconds = time.monotonic() - before
        if process.returncode:
            raise SystemExit(f"pastis {' '.join(arguments)}: {out.decode()}{err.decode()}")
        cpu, memory = err.decode().splitlines()[-1].split()
        grown = _size(self.target) - sizes
        said = [line for line in err.decode().splitlines() if line.startswith(("Backup", "Restored"))]
        self.row(name, f"{seconds:.1f} s", f"{cpu} s CPU", f"{memory} MB", f"{grown / 1e6:.1f} MB", *said[:1])


def _run(arguments: list[str]) -> None:
    """The command in this process; then its CPU time and its memory, on the last line of stderr."""
    from app.cli import cli

    try:
        cli(arguments)
    finally:
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(f"{used.ru_utime + used.ru_stime:.1f} {used.ru_maxrss // 1024}", file=sys.stderr)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


async def write_log(database: Database, workspace_id: str) -> int:
    """Give the documents that were put in straight the events that they lack; gives the last number."""
    seq = 1
    for model in (Project, Status, Task):
        batch: list[Doc] = []
        async for doc in database.collection(model).find({"workspace_id": workspace_id}):
            batch.append(doc)
            if len(batch) == BATCH:
                seq = await _write_events(database, model, batch, seq)
                batch = []
        seq = await _write_events(database, model, batch, seq)
    await database.collection(Head).update_one(
        {"_id": workspace_id}, {"$set": {"seq": seq}, "$inc": {"writes": 1}}
    )
    return seq


async def _write_events(database: Database, model: type[Entity], docs: list[Doc], seq: int) -> int:
    events = []
    for doc in docs:
        seq += 1
        doc["version"] = seq
        events.append(_event(model, doc))
    if docs:
        await database.collection(Event).insert_many(events)
        writes = [UpdateOne({"_id": doc["_id"]}, {"$set": {"version": doc["version"]}}) for doc in docs]
        await database.collection(model).bulk_write(writes, ordered=False)
    return seq


def _event(model: type[Entity], doc: Doc) -> Doc:
    op = {"kind": model.KIND, "id": doc["_id"], "verb": "create", "version": doc["version"], "before": {}}
    place = doc["_id"] if model is Project else doc["project_id"]
    groups = {"groups_before": [], "groups_after": model.groups(doc), "project_id": place}
    return {
        "_id": event_id(doc["workspace_id"], doc["version"]),
        "workspace_id": doc["workspace_id"],
        "seq": doc["version"],
        "at": doc["updated_at"],
        "actor": {"kind": "system", "user_id": None, "membership_id": None},
        "source": {"channel": "cli", "client": None, "request_id": None},
        "command": f"{model.KIND}.create",
        "mutation": None,
        "refs": model.refs(doc),
        "ops": [op | groups | {"set": public(model, doc)}],
    }


@asynccontextmanager
async def connected(url: str, name: str) -> AsyncIterator[Database]:
    database = Database.connect(Settings(database_url=SecretStr(url), database_name=name, _env_file=None))
    try:
        with unhurried():  # it reads a hundred thousand documents at once, beside others
            yield database
    finally:
        await database.close()


async def state(database: Database, workspace_id: str) -> rules.State:
    return {
        (model.KIND, doc["_id"]): public(model, doc)
        for model in ENTITIES.values()
        async for doc in database.collection(model).find({"workspace_id": workspace_id})
    }


async def replayed(database: Database, workspace_id: str, until: int) -> rules.State:
    found: rules.State = {}
    query = {"workspace_id": workspace_id, "seq": {"$lte": until}}
    async for event in database.collection(Event).find(query).sort("seq", 1):
        rules.apply(found, event)
    return found


async def differing(one: Database, other: Database) -> list[str]:
    """The collections that are not the same, document by document.

    Heads have other epochs, and the audit log tells of the backup itself.
    """
    apart = (*backup_rules.LEFT_OUT, AuditEntry, AuditHead, Head)
    kept = [model for model in DOCUMENTS if model not in apart]
    found = []
    for model in kept:
        pairs = [one.collection(model), other.collection(model)]
        first, second = [[doc async for doc in each.find().sort("_id", 1)] for each in pairs]
        if first != second:
            found.append(model.__collection__)
    return found


def rate(result: load.Result) -> str:
    p50, p99 = (result.percentile(share) * 1e3 for share in (0.5, 0.99))
    return f"{result.rate:.0f} changes/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


async def writers(port: int, changes: Iterator[bytes], seconds: float) -> load.Result:
    result = await load.run(port, lambda: next(changes), connections=CONNECTIONS, seconds=seconds)
    if result.failures:
        raise SystemExit(f"{result.failures} requests failed, the first: {result.first_failure}")
    return result


async def measure(bench: Bench, seconds: float) -> None:
    stage, target = bench.stage, str(bench.target)
    with stage.serving() as server:
        changes = stage.changes()
        bench.row("writers alone", rate(await writers(server.port, changes, seconds)))
        for name in ("full backup beside writers", "increment beside writers"):
            working = asyncio.create_task(writers(server.port, changes, seconds))
            await asyncio.sleep(1)
            await bench.pastis(name, "backup", target)
            bench.row("  writers meanwhile", rate(await working))
    with stage.serving() as server:
        bench.deleted = remark(stage, server)
        await writers(server.port, changes, 1)
    await bench.pastis("increment at rest", "backup", target)
    await bench.pastis("verify the backups", "verify", target)
    await bench.pastis("verify the database", "verify")
    await bench.pastis("restore", "restore", target, database=COPY)
    back = f"bench={bench.deleted['version']}"
    await bench.pastis("restore to before a deletion", "restore", target, "--to-seq", back, database=FORMER)
    await compare(bench)


def remark(stage: Stage, server: Server) -> Doc:
    """A comment that is made and deleted."""
    path = f"/tasks/{stage.made.task_ids[0]}/comments"
    made = ask(stage, server, "POST", path, {"body": "Fixed in r10241."})
    ask(stage, server, "DELETE", f"{path}/{made['id']}")
    return made


def ask(stage: Stage, server: Server, method: str, path: str, body: Doc | None = None) -> Doc:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Authorization": f"Bearer {stage.tokens[0]}", "Content-Type": "application/json"}
    with contextlib.closing(connection):
        connection.request(method, f"{stage.base}{path}", None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
    if answer.status >= http.HTTPStatus.BAD_REQUEST:
        raise SystemExit(f"{method} {path}: {content!r}")
    return json.loads(content) if content else {}


async def compare(bench: Bench) -> None:
    """Hold what was restored against what there was."""
    url, workspace_id, before = bench.stage.url, bench.stage.made.workspace_id, bench.deleted["version"]
    async with (
        connected(url, "bench") as origin,
        connected(url, COPY) as copy,
        connected(url, FORMER) as former,
    ):
        bench.row("collections that differ after the restore", str(await differing(origin, copy) or "none"))
        then = await replayed(origin, workspace_id, before)
        now = await state(former, workspace_id)
        bench.row(f"documents unlike the log up to {before}", str(unlike(then, now)), f"of {len(now):,}")
        bench.row("the comment of before its deletion", str(("comment", bench.deleted["id"]) in now))


def unlike(one: rules.State, other: rules.State) -> int:
    """How many documents are not the same."""
    return sum(one.get(key) != other.get(key) for key in one.keys() | other.keys())


async def main_async(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="pastis-bench-") as name:
        folder = Path(name)
        with open_embedded(folder, cache_gb=1) as server:
            stage = await set_up(server.url, folder, core=0, tasks=arguments.tasks, logins=1)
            async with connected(server.url, "bench") as database:
                seq = await write_log(database, stage.made.workspace_id)
            bench = Bench(stage, folder / "backups")
            bench.row("tasks, events at first", f"{arguments.tasks:,}", f"{seq:,}")
            await measure(bench, arguments.seconds)


def main() -> None:
    if sys.argv[1:2] == ["--run"]:
        _run(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=30)
    asyncio.run(main_async(parser.parse_args()))


if __name__ == "__main__":
    main()
