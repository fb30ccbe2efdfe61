"""Pastis beside others: `make bench-report`. Writes docs/benchmarks.md, and results/report.json."""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from app.core.database.embedded import open_embedded
from app.core.database.engine import unhurried
from benchmarks.report import driver, machine, naive_data, page, redmine, servers
from benchmarks.report.measures import Meter, Row, Served
from benchmarks.report.operations import CREATE, FILTER, FOUR, PATCH, SEARCH
from benchmarks.sync.stage import ARCHIVE, Stage, set_up

CONNECTIONS = (1, 16, 64)
USUAL = 16
CORE = 0
"""Of the servers; the load has the last one."""
STARTS = 3


def _endless(what: str, operation: str, connections: int) -> bool:
    """More naive writers than these refuse each other for a minute and more."""
    return what == servers.NAIVE and operation in (CREATE, PATCH) and connections > USUAL


@dataclass
class Run:
    seconds: float
    rounds: int
    tasks: int
    began: float = field(default_factory=time.monotonic)
    rows: list[Row] = field(default_factory=list)
    rest: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        minutes, seconds = divmod(round(time.monotonic() - self.began), 60)
        print(f"[{minutes:2}:{seconds:02}] {text}", flush=True)

    async def ask(
        self,
        meter: Meter,
        serving: AbstractContextManager[Served],
        operations: Sequence[str],
        connections: Sequence[int],
    ) -> None:
        """Every operation that the server has, with each number of connections."""
        with serving as served:
            for name, count in itertools.product(operations, connections):
                if name in served.sources and not _endless(served.what, name, count):
                    await self._try(meter, served, name, count)

    async def _try(self, meter: Meter, served: Served, name: str, count: int) -> None:
        """What fails is told in the report; all else is worth its time."""
        try:
            self.keep([await meter.measure(served, name, count)])
        except (RuntimeError, TimeoutError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            self.failed.append(f"{served.what}, {name}, {count} connections, {meter.tasks:,} tasks: {reason}")
            self.say(f"failed: {self.failed[-1]}")

    def keep(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.rows.append(row)
            self.say(
                f"{row.what}, {row.operation}, {row.connections} connections: {row.rate:,.0f}/s, "
                f"p50 {row.p50_ms:.1f} ms, p99 {row.p99_ms:.1f} ms, {row.cpu_ms:.2f} ms of CPU"
            )

    def as_dict(self) -> dict[str, Any]:
        return {
            "machine": machine.describe(),
            "tasks": self.tasks,
            "rounds": self.rounds,
            "seconds": self.seconds,
            "rest": self.rest,
            "failed": self.failed,
            "rows": [asdict(row) for row in self.rows],
        }


async def whole(run: Run, stage: Stage, database_pid: int, peer: Served | None) -> None:
    """All servers by turns, so that what else the machine does hits all of them."""
    run.rest = servers.at_rest(stage, STARTS)
    run.say(f"ready after {run.rest['start_seconds']:.1f} s, {run.rest['pss_mb']:.0f} MB at rest")
    for number in range(run.rounds):
        run.say(f"round {number + 1} of {run.rounds}")
        meter = Meter(database_pid, run.tasks, number, run.seconds)
        for serving in servers.beside(stage).values():
            await run.ask(meter, serving(), FOUR, CONNECTIONS)
        run.keep(await driver.measure(stage, meter, [*FOUR, SEARCH, FILTER], USUAL))
        await run.ask(meter, servers.pastis(stage, 2), FOUR, CONNECTIONS)
        with servers.pastis(stage) as served:
            await run.ask(meter, contextlib.nullcontext(served), FOUR, CONNECTIONS)
            await run.ask(meter, contextlib.nullcontext(served), (SEARCH, FILTER), (USUAL,))
        if peer is not None:
            await run.ask(meter, contextlib.nullcontext(peer), FOUR, (USUAL,))


async def short(run: Run, stage: Stage, database_pid: int, tasks: int) -> None:
    """What there is to see of growth."""
    meter = Meter(database_pid, tasks, 0, run.seconds)
    asked = (*FOUR, SEARCH, FILTER)
    for serving in servers.beside(stage).values():
        await run.ask(meter, serving(), asked, (USUAL,))
    run.keep(await driver.measure(stage, meter, [*asked], USUAL))
    await run.ask(meter, servers.pastis(stage), asked, (USUAL,))


async def measure(run: Run, folder: Path, sizes: Sequence[int], peer: Served | None) -> None:
    with open_embedded(folder, cache_gb=1) as server:
        pid = servers.database_pid(folder)
        for tasks in sizes:
            run.say(f"writing {tasks:,} tasks")
            with unhurried():
                made = await set_up(server.url, folder, core=CORE, tasks=tasks, logins=1)
            stage = servers.with_everything(made)
            await naive_data.copy(stage)
            if tasks == run.tasks:
                await whole(run, stage, pid, peer)
            else:
                await short(run, stage, pid, tasks)


def arguments_of(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000, help="where everything is measured")
    parser.add_argument("--sizes", default="10000,100000,1000000", help="where growth is")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each figure")
    parser.add_argument("--output", type=Path, default=page.DOCS, help="the folder of the page")
    parser.add_argument("--no-redmine", action="store_true", help="even where it is installed")
    return parser.parse_args(given)


def _end(*_: object) -> None:
    raise SystemExit("ended")


def main(given: list[str] | None = None) -> None:
    arguments = arguments_of(given)
    if not ARCHIVE.exists():
        print(f"skipped: there is no archive at {ARCHIVE}")
        return
    run = Run(arguments.seconds, arguments.rounds, arguments.tasks)
    sizes = sorted({run.tasks, *(int(size) for size in arguments.sizes.split(",") if size)})
    before = os.sched_getaffinity(0)
    with ExitStack() as stack:
        # Whoever is told to end takes the servers along.
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, _end))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pastis-bench-")))
        peer = None if arguments.no_redmine else stack.enter_context(redmine.serving(run.tasks, run.say))
        stack.callback(os.sched_setaffinity, 0, before)
        os.sched_setaffinity(0, {max(before)})
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(measure(run, folder, sizes, peer))
    found = run.as_dict()
    page.RESULTS.mkdir(exist_ok=True)
    (page.RESULTS / "report.json").write_text(json.dumps(found, indent=1) + "\n")
    page.write(found, arguments.output)
    run.say(f"written to {arguments.output / 'benchmarks.md'}")


if __name__ == "__main__":
    main()
