"""What the driver tells of its commands and connections, for metrics and traces."""

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider, get_current_span
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
    ConnectionCheckedInEvent,
    ConnectionCheckedOutEvent,
    ConnectionCheckOutFailedEvent,
    ConnectionCheckOutStartedEvent,
    ConnectionClosedEvent,
    ConnectionCreatedEvent,
    ConnectionPoolListener,
    ConnectionReadyEvent,
    PoolClearedEvent,
    PoolClosedEvent,
    PoolCreatedEvent,
    PoolReadyEvent,
)

from app.core.telemetry import Telemetry
from app.core.tracing import SCOPE

_MICROSECOND = 1e-6
Address = tuple[str, int | None]


class CommandTimes(CommandListener):
    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def started(self, event: CommandStartedEvent) -> None:
        pass

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._telemetry.command(event.command_name, event.duration_micros * _MICROSECOND)

    def failed(self, event: CommandFailedEvent) -> None:
        self._telemetry.command(event.command_name, event.duration_micros * _MICROSECOND, failed=True)


class Connections(ConnectionPoolListener):
    """How many there are, how many of them work, and how many operations wait for one."""

    def __init__(self) -> None:
        self.open = 0
        self.in_use = 0
        self.waiting = 0

    def connection_created(self, event: ConnectionCreatedEvent) -> None:
        self.open += 1

    def connection_closed(self, event: ConnectionClosedEvent) -> None:
        self.open -= 1

    def connection_check_out_started(self, event: ConnectionCheckOutStartedEvent) -> None:
        self.waiting += 1

    def connection_check_out_failed(self, event: ConnectionCheckOutFailedEvent) -> None:
        self.waiting -= 1

    def connection_checked_out(self, event: ConnectionCheckedOutEvent) -> None:
        self.waiting -= 1
        self.in_use += 1

    def connection_checked_in(self, event: ConnectionCheckedInEvent) -> None:
        self.in_use -= 1

    def connection_ready(self, event: ConnectionReadyEvent) -> None:
        pass

    def pool_created(self, event: PoolCreatedEvent) -> None:
        pass

    def pool_ready(self, event: PoolReadyEvent) -> None:
        pass

    def pool_cleared(self, event: PoolClearedEvent) -> None:
        pass

    def pool_closed(self, event: PoolClosedEvent) -> None:
        pass


class CommandSpans(CommandListener):
    """A span for each command of a request that is traced; without its values, which are people's data.

    A commit is under the request that it began with, whoever else's commands it has.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(SCOPE)
        self._open: dict[tuple[int, Address], Span] = {}

    def started(self, event: CommandStartedEvent) -> None:
        if not get_current_span().is_recording():
            return
        name, collection = event.command_name, event.command.get(event.command_name)
        attributes = {
            "db.system.name": "mongodb",
            "db.namespace": event.database_name,
            "db.operation.name": name,
        }
        if isinstance(collection, str):
            attributes["db.collection.name"] = collection
            name = f"{name} {collection}"
        self._open[event.request_id, event.connection_id] = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes=attributes
        )

    def succeeded(self, event: CommandSucceededEvent) -> None:
        self._end(event)

    def failed(self, event: CommandFailedEvent) -> None:
        self._end(event, Status(StatusCode.ERROR))

    def _end(self, event: CommandSucceededEvent | CommandFailedEvent, status: Status | None = None) -> None:
        span = self._open.pop((event.request_id, event.connection_id), None)
        if span is not None:
            if status is not None:
                span.set_status(status)
            span.end()
