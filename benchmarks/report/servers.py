"""The servers of the report, each for the time that it is asked."""

import contextlib
import dataclasses
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import load
from benchmarks.processes import serving
from benchmarks.report import operations
from benchmarks.report.measures import Served, Serving, memory
from benchmarks.sync.stage import Stage

BARE, NAIVE, PLAIN = "bare ASGI", "naive", "plain updates"
PASTIS, PASTIS_TWO = "Pastis", "Pastis, 2 processes"
COUNTED = {
    # Counted like all others, and never reached.
    "PASTIS_RATE_LIMIT_PER_MINUTE": "60000000",
    "PASTIS_ANONYMOUS_RATE_LIMIT_PER_MINUTE": "60000000",
    "PASTIS_METRICS_TOKEN": "a-token-of-the-benchmark-that-nobody-guesses",
}
"""All of Pastis: logins, rights, limits, log lines and metrics."""


def with_everything(stage: Stage) -> Stage:
    return dataclasses.replace(stage, environment={**stage.environment, **COUNTED})


@contextlib.contextmanager
def pastis(stage: Stage, processes: int = 1) -> Iterator[Served]:
    """`pastis serve`, each process on the next core."""
    cores = os.cpu_count() or 1
    with contextlib.ExitStack() as stack:
        placed = [dataclasses.replace(stage, core=number % cores) for number in range(processes)]
        servers = [stack.enter_context(one.serving()) for one in placed]
        ports, pids = [one.port for one in servers], [one.pid for one in servers]
        yield Served(PASTIS if processes == 1 else PASTIS_TWO, ports, pids, operations.pastis(stage))


def beside(stage: Stage) -> dict[str, Callable[[], Serving]]:
    """What Pastis is measured beside, by its name."""
    return {
        BARE: lambda: _small(stage, BARE, "bare", operations.bare()),
        PLAIN: lambda: _small(stage, PLAIN, "plain", operations.plain(stage)),
        NAIVE: lambda: _small(stage, NAIVE, "naive", operations.naive(stage)),
    }


@contextlib.contextmanager
def _small(stage: Stage, name: str, module: str, sources: dict[str, load.Next]) -> Iterator[Served]:
    with serving(module, dict(stage.environment)) as (port, pid):
        yield Served(name, [port], [pid], sources)


def at_rest(stage: Stage, times: int) -> dict[str, float]:
    """Seconds from the start until it is ready, and megabytes once it is: medians."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        with stage.serving() as server:
            ready = time.perf_counter() - began
            found.append((ready, *memory([server.pid])))
    seconds, rss, pss = (statistics.median(values) for values in zip(*found, strict=True))
    return {"start_seconds": seconds, "rss_mb": rss, "pss_mb": pss}


def database_pid(folder: Path) -> int:
    return int((folder / "database" / "server.pid").read_text())
