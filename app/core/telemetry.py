"""What one process counts for Prometheus as it happens.

What stands somewhere anyway is looked up when Prometheus asks: see services/metrics.
"""

from collections.abc import Callable, Sequence
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
disable_created_metrics()  # type: ignore[no-untyped-call]  # when each series began, which nobody asks for
UNMATCHED = "unmatched"
"""The route of a path that is none: paths themselves would be as many as clients care to send."""
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_JOB_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0)
_TOGETHER = (1, 2, 4, 8, 16, 32, 64)

_Request = tuple[str, str | None, int]


class Telemetry:
    """The instruments of a process. Times are in seconds."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._requests = self._counter("http_requests", "Requests answered", "method", "route", "status")
        self._request_seconds = self._histogram(
            "http_request_duration_seconds", "Time until the answer was sent", _SECONDS, "method", "route"
        )
        self._commands = self._counter("database_commands", "Commands answered", "command", "outcome")
        self._command_seconds = self._histogram(
            "database_command_duration_seconds", "Time until the answer came", _SECONDS, "command"
        )
        self._batches = self._histogram("commit_commands", "Commands committed together", _TOGETHER)
        self._commit_seconds = self._histogram(
            "commit_duration_seconds", "Time from reading to the majority's word", _SECONDS
        )
        self._jobs = self._counter("job_runs", "Attempts at jobs", "kind", "outcome")
        self._job_seconds = self._histogram(
            "job_duration_seconds", "Time of an attempt at a job", _JOB_SECONDS, "kind"
        )
        # What counts one kind of request, looked up once: the library takes longer for that than to count.
        self._of_request: dict[_Request, tuple[Callable[[], None], Callable[[float], None]]] = {}
        self._of_command: dict[tuple[str, str], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def request(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """One request was answered; `route` is the template of its path."""
        count, observe = self._of_request.get((method, route, status)) or self._request(method, route, status)
        count()
        observe(seconds)

    def command(self, name: str, seconds: float, *, failed: bool = False) -> None:
        """The database answered a command, or failed to."""
        key = (name, "failed" if failed else "ok")
        known = self._of_command.get(key)
        if known is None:
            counter, histogram = self._commands.labels(*key), self._command_seconds.labels(name)
            known = self._of_command[key] = (counter.inc, histogram.observe)
        known[0]()
        known[1](seconds)

    def commit(self, commands: int, seconds: float) -> None:
        """A transaction was committed, with so many commands."""
        self._batches.observe(commands)
        self._commit_seconds.observe(seconds)

    def job(self, kind: str, outcome: str, seconds: float) -> None:
        """An attempt at a job ended: it was `done`, it `failed`, or its lease was `lost`."""
        self._jobs.labels(kind, outcome).inc()
        self._job_seconds.labels(kind).observe(seconds)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)

    def _request(
        self, method: str, route: str | None, status: int
    ) -> tuple[Callable[[], None], Callable[[float], None]]:
        known_method, path = method if method in _METHODS else "other", route or UNMATCHED
        found = (
            self._requests.labels(known_method, path, str(status)).inc,
            self._request_seconds.labels(known_method, path).observe,
        )
        if known_method == method:  # of others there are as many as clients make up
            self._of_request[method, route, status] = found
        return found

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"pastis_{name}", f"{what}.", labels, registry=self.registry)

    def _histogram(self, name: str, what: str, buckets: Sequence[float], *labels: str) -> Histogram:
        options: dict[str, Any] = {"registry": self.registry, "buckets": buckets}
        return Histogram(f"pastis_{name}", f"{what}.", labels, **options)
