"""Traces for an OpenTelemetry collector, where the settings name one."""

import threading
from typing import TYPE_CHECKING

from app import __version__
from app.core.config import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import Span, TracerProvider

SCOPE = "pastis"
FLUSH_MS = 500
_EXPORT_SECONDS = 5


def tracer_provider(settings: Settings) -> "TracerProvider | None":
    """What sends spans to the collector, beside the requests; None where there is none.

    A collector that is away, or slow, loses spans and holds up nobody.
    """
    if settings.traces_url is None:
        return None
    # The libraries take a third of a second to import, and few want them.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    class Discretion(SpanProcessor):
        """Queries hold what people look for, and tickets."""

        def on_start(self, span: "Span", parent_context: "Context | None" = None) -> None:  # noqa: ARG002
            if "url.query" in (span.attributes or {}):
                span.set_attribute("url.query", "REDACTED")

    provider = TracerProvider(
        resource=Resource.create({"service.name": "pastis", "service.version": __version__}),
        sampler=ParentBased(TraceIdRatioBased(settings.traces_share)),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(endpoint=f"{settings.traces_url}/v1/traces", timeout=_EXPORT_SECONDS)
    provider.add_span_processor(Discretion())
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def close(provider: "TracerProvider") -> None:
    """Send what waits, if that is quick: nobody waits for a collector that is away."""
    ending = threading.Thread(target=provider.shutdown, daemon=True)
    ending.start()
    ending.join(FLUSH_MS / 1000)
