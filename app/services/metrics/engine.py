"""The metrics of one process, in Prometheus' text format."""

import hmac
import platform
from collections.abc import AsyncIterator, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app import __version__
from app.core.config import Settings
from app.core.database import server
from app.core.database.engine import Database
from app.core.database.errors import classify
from app.core.errors import ErrorCode, PastisError
from app.core.jobs import JobKind, JobState
from app.core.telemetry import Telemetry
from app.core.unit_of_work import Writers
from app.services.jobs import JobEngine
from app.services.metrics import queries
from app.services.sync import SyncEngine

DATABASE_SECONDS = 2.0
"""Prometheus waits for ten; a database that is away must not hide what the process has to say."""
_MIB = 2**20


class MetricsEngine(Collector):
    def __init__(
        self,
        telemetry: Telemetry,
        database: Database,
        writers: Writers,
        sync: SyncEngine,
        jobs: JobEngine,
        settings: Settings,
    ) -> None:
        self._telemetry = telemetry
        self._database = database
        self._writers = writers
        self._sync = sync
        self._jobs = jobs
        self._most_streams = settings.max_streams
        self._token = settings.metrics_token
        self._open = self._token is None and not settings.production
        self._of_database: list[Metric] = []
        # Its own, as an application may be closed and opened again with the same instruments.
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def check(self, token: str | None) -> None:
        """Raises `authentication_required` for who may not read them."""
        if self._open:
            return
        wanted = "" if self._token is None else self._token.get_secret_value()
        if not (wanted and token and hmac.compare_digest(wanted.encode(), token.encode())):
            raise PastisError(ErrorCode.AUTHENTICATION_REQUIRED)

    async def text(self) -> bytes:
        """All of them, as of now; without what the database has to say where it does not answer in time."""
        try:
            with self._database.within(DATABASE_SECONDS):
                self._of_database = [metric async for metric in self._look()]
        except Exception as error:
            if classify(error) is None:
                raise
            self._of_database = [_gauge("database_up", "Whether the database answers", 0)]
        return self._telemetry.text() + generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What this process knows by itself, then what the database said."""
        build = GaugeMetricFamily("pastis_build_info", "What runs.", labels=("version", "python"))
        build.add_metric((__version__, platform.python_version()), 1)
        yield build
        writers, sync = self._writers.stats, self._sync
        yield _counter("commit_retries", "Transactions run again", writers.retries)
        pool = self._database.connections
        connections = GaugeMetricFamily(
            "pastis_database_connections", "Connections, and operations that wait for one.", labels=("state",)
        )
        connections.add_metric(("in_use",), pool.in_use)
        connections.add_metric(("idle",), pool.open - pool.in_use)
        connections.add_metric(("waiting",), pool.waiting)
        yield connections
        yield _gauge("sync_streams", "Clients that are told live", sync.size)
        yield _gauge("sync_streams_limit", "How many there may be", self._most_streams)
        yield _gauge("sync_workspaces", "Workspaces that are followed", sync.workspaces)
        yield _gauge("sync_ring_events", "Events kept for those who come back", sync.ring_events)
        yield _gauge(
            "sync_lag_events", "How far the streams were behind a log, when looked at", sync.stats.lag
        )
        yield _counter("sync_deliveries", "Frames sent", sync.stats.deliveries)
        yield from self._of_database

    async def _look(self) -> AsyncIterator[Metric]:
        version, _ = await server.version(self._database)
        yield _gauge("database_up", "Whether the database answers", 1)
        info = GaugeMetricFamily("pastis_database_info", "Which database answers.", labels=("version",))
        info.add_metric((version,), 1)
        yield info
        resident = await server.resident_mebibytes(self._database)
        if resident is not None:
            yield _gauge("database_resident_bytes", "Memory that it has taken", resident * _MIB)
        async for metric in self._look_at_members():
            yield metric
        async for metric in self._look_at_jobs():
            yield metric

    async def _look_at_members(self) -> AsyncIterator[Metric]:
        members = await server.members(self._database)
        health = GaugeMetricFamily(
            "pastis_database_member_up", "Whether a member of the replica set is well.", labels=("member",)
        )
        lag = GaugeMetricFamily(
            "pastis_database_replication_lag_seconds", "How far it is behind the first.", labels=("member",)
        )
        newest = max((one["optimeDate"] for one in members if "optimeDate" in one), default=None)
        for one in members:
            health.add_metric((one["name"],), one["health"])
            if newest is not None and "optimeDate" in one and one["stateStr"] == "SECONDARY":
                lag.add_metric((one["name"],), (newest - one["optimeDate"]).total_seconds())
        if members:
            yield health
            yield lag

    async def _look_at_jobs(self) -> AsyncIterator[Metric]:
        jobs = GaugeMetricFamily("pastis_jobs", "Work beside the requests.", labels=("kind", "state"))
        age = GaugeMetricFamily(
            "pastis_job_oldest_seconds", "How long the first that waits has waited.", labels=("kind",)
        )
        found = {(one["_id"]["kind"], one["_id"]["state"]): one for one in await self._jobs.counts()}
        for kind in JobKind:
            for state in JobState:
                jobs.add_metric((kind, state), found.get((kind, state), {"n": 0})["n"])
            waiting = found.get((kind, JobState.QUEUED), {"asked": 0.0})
            age.add_metric((kind,), max(0.0, waiting["asked"]))
        jobs.add_metric(("import", "running"), await queries.running_imports(self._database))
        yield jobs
        yield age


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"pastis_{name}", f"{what}.", value)


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"pastis_{name}", f"{what}.", value)
