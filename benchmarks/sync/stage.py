"""What every figure needs: a database with a workspace in it, logins, and servers that follow it."""

import asyncio
import contextlib
import gzip
import http.client
import itertools
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from pymongo import MongoClient

from app.core.clock import Clock
from app.core.config import Settings
from app.core.database.engine import Database
from app.services.bootstrap import Services
from benchmarks import load
from benchmarks.processes import cpu_seconds, free_port
from benchmarks.seed import Seed, Texts, seed

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "fluid-issues.jsonl.gz"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
TOGETHER = 64
LONG_MINUTES = 600
"""Access tokens outlast the run: nobody is there to refresh them."""


def archive() -> Texts:
    """Real titles with their descriptions."""
    with gzip.open(ARCHIVE) as file:
        issues = [json.loads(line) for line in file]
    return [(one["summary"], one["description"] or "") for one in issues]


@dataclass(frozen=True)
class Server:
    port: int
    pid: int

    def cpu(self) -> float:
        return cpu_seconds(self.pid)

    def memory(self) -> int:
        """Bytes that it has in memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Fetched:
    seconds: float
    size: int
    body: bytes


@dataclass(frozen=True)
class Stage:
    url: str
    core: int
    """Of the servers."""
    environment: Mapping[str, str]
    made: Seed
    texts: Texts
    tokens: list[str]
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def base(self) -> str:
        return f"/api/v1/workspaces/{self.made.slug}"

    def streams(self, count: int, since: list[bytes] | None = None) -> Iterator[bytes]:
        """So many requests for the live stream, the logins by turns; since these cursors, or from now on."""
        for number, token in zip(range(count), itertools.cycle(self.tokens), strict=False):
            path = f"{self.base}/sync" + (f"?since={since[number].decode()}" if since else "")
            yield load.request("GET", path, token).replace(b"\r\n", b"\r\nAccept: text/event-stream\r\n", 1)

    def changes(self, together: int = 1) -> Iterator[bytes]:
        """Requests without end, each of which gives some tasks titles that none has had."""
        token = self.made.tokens[0]
        while True:
            tasks = random.sample(self.made.task_ids, together)
            bodies = [{"title": f"{random.choice(self.texts)[0]} ({next(self.numbers)})"} for _ in tasks]
            if together == 1:
                path = f"{self.base}/tasks/{tasks[0]}"
                yield load.request("PATCH", path, token, json.dumps(bodies[0]).encode())
            else:
                updates = [
                    {"action": "update", "task": task, "body": body}
                    for task, body in zip(tasks, bodies, strict=True)
                ]
                batch = json.dumps({"operations": updates}).encode()
                yield load.request("POST", f"{self.base}/tasks/batch", token, batch)

    def fetch(self, server: Server, path: str, *, packed: bool = False) -> Fetched:
        """One GET, to the last byte of its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        headers = {"Authorization": f"Bearer {self.made.tokens[0]}"}
        if packed:
            headers["Accept-Encoding"] = "gzip"
        with contextlib.closing(connection):
            begun = time.monotonic()
            connection.request("GET", f"{self.base}{path}", headers=headers)
            answer = connection.getresponse()
            parts = []
            while part := answer.read1(1 << 20):
                parts.append(part)
            seconds = time.monotonic() - begun
        body = b"".join(parts)
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"GET {path}: {answer.status} {body[:500]!r}")
        return Fetched(seconds, len(body), body)

    @contextlib.contextmanager
    def serving(self) -> Iterator[Server]:
        """`pastis serve` on the core of the servers, until the block ends."""
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.sync.launch", str(port), str(self.core)],
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
        )
        try:
            _until_ready(process, port)
            yield Server(port, process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def transactions(self) -> dict[str, int]:
        """What became of the database server's transactions so far."""
        with MongoClient[dict[str, object]](self.url) as client:
            status = client.admin.command("serverStatus")
        return {name: int(status["transactions"][name]) for name in ("totalStarted", "totalAborted")}


def _until_ready(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        time.sleep(0.05)
    raise RuntimeError("pastis serve does not serve")


async def set_up(url: str, folder: Path, *, core: int, tasks: int, logins: int) -> Stage:
    """Fill an empty database."""
    settings = Settings(
        database_url=SecretStr(url),
        database_name="bench",
        data_dir=folder,
        access_token_minutes=LONG_MINUTES,
        _env_file=None,
    )
    services = Services(settings, Database.connect(settings), b"a secret of the benchmark", Clock())
    texts = archive()
    try:
        made = await seed(services, tasks, texts)
        tokens = await _logins(services, logins)
    finally:
        await services.close()
    environment = {
        "PASTIS_ENV": "production",  # JSON lines to a file, nothing on the console
        "PASTIS_SECRET": secrets.token_urlsafe(32),
        "PASTIS_COOKIE_SECURE": "true",
        "PASTIS_RATE_LIMIT_PER_MINUTE": "0",
        "PASTIS_ANONYMOUS_RATE_LIMIT_PER_MINUTE": "0",
        "PASTIS_MAX_STREAMS": "20000",
        "PASTIS_ACCESS_TOKEN_MINUTES": str(LONG_MINUTES),
        "PASTIS_DATABASE_URL": url,
        "PASTIS_DATABASE_NAME": "bench",
        "PASTIS_DATA_DIR": str(folder),
    }
    return Stage(url, core, environment, made, texts, tokens)


async def _logins(services: Services, count: int) -> list[str]:
    user = await services.users.find_by_email("bench@fluid.example")
    assert user is not None
    found: list[str] = []
    while len(found) < count:
        opening = [
            services.sessions.open(user.id, remember_me=True, client="bench")
            for _ in range(min(TOGETHER, count - len(found)))
        ]
        found += [one.access_token for one in await asyncio.gather(*opening)]
    return found
