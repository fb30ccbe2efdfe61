"""One figure of the report: what so many connections got from a server in so many seconds."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load
from benchmarks.processes import cpu_seconds

PATIENCE = 90.0
WARM_UP = 0.7


@dataclass(frozen=True)
class Served:
    """A server that is measured: one process or several, and what it stands for in the report."""

    what: str
    ports: Sequence[int]
    pids: Sequence[int]
    sources: dict[str, load.Next]
    """By the name of the operation, its next request."""


Serving = AbstractContextManager[Served]


@dataclass(frozen=True)
class Row:
    """CPU is per request; of the API's processes, and of the database's."""

    what: str
    operation: str
    connections: int
    tasks: int
    round: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    database_cpu_ms: float
    rss_mb: float
    pss_mb: float


@dataclass(frozen=True)
class Meter:
    """Measures with so many tasks, in one round."""

    database_pid: int
    tasks: int
    round: int
    seconds: float

    async def measure(self, served: Served, operation: str, connections: int) -> Row:
        """Raises TimeoutError, and RuntimeError where a request fails: its time would be that of an error."""
        source = served.sources[operation]

        async def run(seconds: float) -> load.Result:
            return await load.run(
                served.ports, source, connections=connections, seconds=seconds, patience=PATIENCE
            )

        await run(min(WARM_UP, self.seconds))
        api, database = self._cpu(served)
        result = await run(self.seconds)
        api_after, database_after = self._cpu(served)
        if result.failures:
            raise RuntimeError(f"{result.failures} requests failed, the first: {result.first_failure}")
        requests = max(1, len(result.latencies))
        p50, p99 = (result.percentile(share) * 1e3 for share in (0.5, 0.99))
        cpu, database_cpu = (used / requests * 1e3 for used in (api_after - api, database_after - database))
        return Row(
            served.what,
            operation,
            connections,
            self.tasks,
            self.round,
            result.rate,
            p50,
            p99,
            cpu,
            database_cpu,
            *memory(served.pids),
        )

    def _cpu(self, served: Served) -> tuple[float, float]:
        return sum(cpu_seconds(pid) for pid in served.pids), cpu_seconds(self.database_pid)


def memory(pids: Sequence[int]) -> tuple[float, float]:
    """Megabytes of the largest of these processes: resident, and its share of what several share."""
    found = [_rollup(pid) for pid in pids]
    return max(one["Rss:"] for one in found), max(one["Pss:"] for one in found)


def _rollup(pid: int) -> dict[str, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {line.split()[0]: int(line.split()[1]) / 1e3 * 1.024 for line in lines}
