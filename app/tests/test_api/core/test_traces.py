"""Traces, as a collector receives them."""

import gzip
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from app.core.config import Settings
from app.main import create_app
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace

pytestmark = pytest.mark.anyio

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """Keeps the spans that it is sent, as OTLP over HTTP."""

    def __init__(self) -> None:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.spans: list[Any] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def named(self, name: str) -> Any:
        end = monotonic() + 10
        while monotonic() < end:
            found = [span for span in self.spans if span.name == name]
            if found:
                return found[0]
            sleep(0.05)
        raise AssertionError(f"no span {name} among {[span.name for span in self.spans]}")

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.close()


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


async def ask(settings: Settings, workspace: Workspace, url: str, share: float = 1.0) -> Client:
    """Requests to a process of its own that sends its traces there, until it has ended."""
    app = create_app(settings.model_copy(update={"traces_url": url, "traces_share": share}), TestClock())
    async with app.router.lifespan_context(app):
        await app.state.services.until_ready()
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://pastis.test")
        async with http:
            client = Client(http, workspace.api.token, workspace.api.base)
            task = ok(await client.post("/tasks", {"project_id": "FLUID", "title": "Secret plans"}), 201)
            traced = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            ok(await client.get(f"/tasks/{task['id']}", headers=traced))
            ok(await client.get("/labels?limit=7"))
            refused(await client.get("/tasks/FLUID-999999"), 404, "not_found")
            ok(await client.at("").get("/health/ready"))
    return client


async def test_requests_are_spans_with_those_of_their_commands(
    test_settings: Settings, workspace: Workspace, collector: Collector
) -> None:
    await ask(test_settings, workspace, collector.url)
    one = collector.named("GET /api/v1/workspaces/{workspace}/tasks/{task}")
    assert (one.trace_id.hex(), one.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(one)["http.response.status_code"] == 200
    within = [span for span in collector.spans if span.parent_span_id == one.span_id]
    assert any(span.name.startswith("find ") for span in within)
    post = collector.named("POST /api/v1/workspaces/{workspace}/tasks")
    commit = collector.named("commitTransaction")
    assert commit.trace_id == post.trace_id
    assert attributes(collector.named("GET /api/v1/workspaces/{workspace}/labels"))["url.query"] == "REDACTED"
    told = "".join(str(span) for span in collector.spans)
    assert "Secret plans" not in told
    assert str(workspace.api.token) not in told
    assert not any("/health" in span.name for span in collector.spans)


async def test_a_part_of_them_unless_who_asks_says_so(
    test_settings: Settings, workspace: Workspace, collector: Collector
) -> None:
    await ask(test_settings, workspace, collector.url, share=0)
    collector.named("GET /api/v1/workspaces/{workspace}/tasks/{task}")
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}


async def test_a_collector_that_is_away_holds_up_nobody(
    test_settings: Settings, workspace: Workspace
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        began = monotonic()
        await ask(test_settings, workspace, f"http://127.0.0.1:{nobody.getsockname()[1]}")
    assert monotonic() - began < 10
