"""Speed as ratios in one run: `make bench`. Prints a table and writes results/latest.json."""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from pydantic import SecretStr

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.embedded import open_embedded
from app.core.database.engine import Database
from app.models.tasks import Task
from app.services.bootstrap import Services
from benchmarks import cost, load, timing
from benchmarks.processes import CONNECTIONS, measure, serving
from benchmarks.seed import Seed, seed

UPDATES = {"plain update": False, "dated update": True}
RESULTS = Path(__file__).parent / "results"


def sources(made: Seed) -> dict[str, Any]:
    base, token = f"/api/v1/workspaces/{made.slug}", made.tokens[0]
    chance = random.Random(1)
    ones = [load.request("GET", f"{base}/tasks/{id_}", token) for id_ in chance.sample(made.task_ids, 2000)]
    lists = [
        load.request("GET", f"{base}/tasks?project=P{n:03}&sort=rank&limit=50", token) for n in range(50)
    ]
    creates = [
        load.request(
            "POST",
            f"{base}/tasks",
            token,
            json.dumps({"project_id": f"P{n:03}", "title": "Focus is lost when the dialog closes"}).encode(),
        )
        for n in range(50)
    ]
    numbers = itertools.count()

    def patch() -> bytes:
        body = json.dumps({"title": f"Focus is lost when dialog {next(numbers)} closes"}).encode()
        return load.request("PATCH", f"{base}/tasks/{chance.choice(made.task_ids)}", token, body)

    return {
        "one task": lambda: chance.choice(ones),
        "list of 50": lambda: chance.choice(lists),
        "create": lambda: chance.choice(creates),
        "patch": patch,
    }


async def updates(settings: Settings, made: Seed, seconds: float, *, dated: bool) -> dict[str, float]:
    """The references for writes: 16 writers, each one majority update of one task after the other.

    A plain one sets the title, which no index holds. A dated one sets the time of the last change too, as
    every change of a task has to for lists to be sorted by it.
    """
    os.sched_setaffinity(0, {0})
    database = Database.connect(settings)
    tasks = database.collection(Task)
    chance, numbers = random.Random(2), itertools.count()
    latencies: list[float] = []
    end = time.perf_counter() + seconds

    async def write() -> None:
        while (begun := time.perf_counter()) < end:
            title = f"Focus is lost when dialog {next(numbers)} closes"
            changes = {"title": title} | ({"updated_at": datetime.now(UTC)} if dated else {})
            await tasks.update_one({"_id": chance.choice(made.task_ids)}, {"$set": changes})
            latencies.append(time.perf_counter() - begun)

    before = time.process_time()
    await asyncio.gather(*(write() for _ in range(CONNECTIONS)))
    used = time.process_time() - before
    await database.close()
    os.sched_setaffinity(0, {1})
    ordered = sorted(latencies)
    return {
        "rate": len(ordered) / seconds,
        "cpu_us": used / len(ordered) * 1e6,
        "p50_ms": ordered[len(ordered) // 2] * 1e3,
        "p99_ms": ordered[int(len(ordered) * 0.99)] * 1e3,
    }


@contextlib.asynccontextmanager
async def services_on(settings: Settings) -> AsyncIterator[Services]:
    services = Services(settings, Database.connect(settings), b"a secret of the benchmark", Clock())
    yield services
    await services.close()


async def main_async(
    arguments: argparse.Namespace, settings: Settings, environment: dict[str, str]
) -> dict[str, Any]:
    async with services_on(settings) as services:
        made = await seed(services, arguments.tasks)
        scene = await timing.set_up(services, made)
    os.sched_setaffinity(0, {1})
    runs: dict[str, list[dict[str, float]]] = {}
    bare = load.request("GET", "/")
    for _ in range(arguments.rounds):
        with serving("bare", environment) as (port, pid):
            runs.setdefault("bare", []).append(await measure(port, pid, lambda: bare, arguments.seconds))
        for name, dated in UPDATES.items():
            found = await updates(settings, made, arguments.seconds, dated=dated)
            runs.setdefault(name, []).append(found)
        with serving("pastis", environment) as (port, pid):
            for name, source in sources(made).items():
                runs.setdefault(name, []).append(await measure(port, pid, source, arguments.seconds))
    stats = json.loads(Path(environment["BENCH_STATS"]).read_text())
    return {
        **summary(runs, stats, arguments),
        "cost": await cost.cost(made, environment, pairs=arguments.pairs, seconds=arguments.seconds / 4),
        "timing": await timing.timing(scene, environment, rounds=arguments.asked),
    }


def summary(
    runs: dict[str, list[dict[str, float]]], stats: dict[str, int], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Medians over the rounds; ratios are taken inside each round, where the machine was the same."""
    table = {}
    for name, rounds in runs.items():
        row = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        for reference in ("bare", *UPDATES):
            row[f"of_{reference.replace(' ', '_')}"] = statistics.median(
                one["rate"] / base["rate"] for one, base in zip(rounds, runs[reference], strict=True)
            )
        table[name] = row
    return {
        "tasks": arguments.tasks,
        "rounds": arguments.rounds,
        "seconds": arguments.seconds,
        "connections": CONNECTIONS,
        "table": table,
        "commands": stats["commands"],
        "commands_per_transaction": stats["commands"] / max(1, stats["transactions"]),
        "retries_per_command": stats["retries"] / max(1, stats["commands"]),
    }


def show(found: dict[str, Any]) -> None:
    titles = ("req/s", "of bare", "of plain", "of dated", "cpu us", "p50 ms", "p99 ms")
    print(f"\n{'':14}" + "".join(f"{title:>9}" for title in titles))
    for name, row in found["table"].items():
        print(
            f"{name:14}{row['rate']:9.0f}{row['of_bare']:9.3f}{row['of_plain_update']:9.2f}"
            f"{row['of_dated_update']:9.2f}{row['cpu_us']:9.0f}{row['p50_ms']:9.2f}{row['p99_ms']:9.2f}"
        )
    print(
        f"\n{found['commands_per_transaction']:.1f} commands a transaction, "
        f"{found['retries_per_command']:.4f} retries a command"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--pairs", type=int, default=12, help="comparisons with Pastis without its guards")
    parser.add_argument("--asked", type=int, default=1_500, help="times that each hidden thing is asked for")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="pastis-bench-") as folder,
        open_embedded(Path(folder), cache_gb=1.0) as server,
    ):
        settings = Settings(
            database_url=SecretStr(server.url), database_name="bench", data_dir=Path(folder), _env_file=None
        )
        environment = {
            "PASTIS_ENV": "production",  # JSON lines to a file, nothing on the console
            "PASTIS_SECRET": secrets.token_urlsafe(32),
            "PASTIS_COOKIE_SECURE": "true",
            # Counted like all others, and never reached.
            "PASTIS_RATE_LIMIT_PER_MINUTE": "60000000",
            "PASTIS_ANONYMOUS_RATE_LIMIT_PER_MINUTE": "60000000",
            "PASTIS_DATABASE_URL": server.url,
            "PASTIS_DATABASE_NAME": "bench",
            "PASTIS_DATA_DIR": folder,
            "BENCH_STATS": f"{folder}/stats.json",
        }
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(main_async(arguments, settings, environment))
    show(found)
    cost.show(found["cost"])
    timing.show(found["timing"])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
