"""One installation of Pastis with a folder of its own, whose processes can be killed and started again."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep

import httpx2
from pydantic import SecretStr

from app.core.config import Settings
from app.core.database.embedded import open_embedded
from app.core.database.embedded_locks import NEVER, alive, start_lock, until
from app.core.database.engine import Database
from chaos.turned_clock import FILE

ROOT = Path(__file__).parents[1]
START_SECONDS = 90.0
STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02
_PASTIS = (sys.executable, "-m", "app.cli")
_TURNED = (sys.executable, "-m", "chaos.turned_clock")


class Service:
    """`pastis serve` as a process of its own, with the embedded database that it starts."""

    def __init__(
        self,
        folder: Path,
        database_timeout: float,
        database_url: str = "",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """With the address of another database, the embedded one is not started."""
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._timeout = database_timeout
        self._settings = dict(settings or {})
        if database_url:
            self._settings["PASTIS_DATABASE_URL"] = database_url
        self._api: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The API's process."""
        return None if self._api is None else self._api.pid

    @property
    def data_dir(self) -> Path:
        return self.folder / "pastis"

    @property
    def said(self) -> Path:
        """What the API's processes wrote to their terminal."""
        return self.folder / "serve.txt"

    @property
    def clock(self) -> Path:
        """The file that turns this API's clock; another one may share the folder."""
        return self.folder / f"clock-{self.port}.txt"

    async def start(self) -> None:
        """Start the API, at once, and wait until it serves."""
        self._api = self._spawn()
        await self.until_ready()

    def _environment(self) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("PASTIS_")}
        return others | {
            "PYTHONPATH": str(ROOT),
            "PASTIS_DATA_DIR": str(self.data_dir),
            "PASTIS_DATABASE_TIMEOUT_SECONDS": str(self._timeout),
            FILE: str(self.clock),
            # All clients come from one address, as fast as they can.
            "PASTIS_RATE_LIMIT_PER_MINUTE": "0",
            "PASTIS_ANONYMOUS_RATE_LIMIT_PER_MINUTE": "0",
            **self._settings,
        }

    def _spawn(self) -> "subprocess.Popen[bytes]":
        with self.said.open("ab") as said:
            return subprocess.Popen(
                [*_TURNED, "serve", "--port", str(self.port)],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    async def until_ready(self) -> None:
        """Wait until the API serves; raises RuntimeError when it never does."""
        async with httpx2.AsyncClient(base_url=self.url) as http:
            deadline = monotonic() + START_SECONDS
            while monotonic() < deadline and self.lives():
                with contextlib.suppress(httpx2.TransportError):
                    if (await http.get("/health/ready")).status_code == HTTPStatus.OK:
                        return
                await asyncio.sleep(_POLL_SECONDS)
        raise RuntimeError(f"pastis serve does not serve: {self.said.read_text()}")

    def lives(self) -> bool:
        return self._api is not None and self._api.poll() is None

    async def add_account(self, email: str = "justin@fluid.example") -> tuple[str, str]:
        """Make an account as an operator would, and give its address and password."""
        password = secrets.token_urlsafe(16)
        arguments = ["user", "add", email, "--name", "Justin Obara", "--password-stdin"]
        adding = await asyncio.create_subprocess_exec(
            *_PASTIS,
            *arguments,
            cwd=self.folder,
            env=self._environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await adding.communicate(f"{password}\n".encode())
        if adding.returncode:
            raise RuntimeError(f"pastis {' '.join(arguments)}: {said.decode()}")
        return email, password

    def pause(self) -> None:
        """SIGSTOP the API, until `go_on`."""
        if self._api is not None:
            self._api.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        if self._api is not None:
            self._api.send_signal(signal.SIGCONT)

    def turn_clock(self, seconds: int) -> None:
        """Step the API's wall clock to so far ahead of the system's; it stays so until another step, of 0."""
        written = self.clock.with_suffix(".new")
        written.write_text(str(seconds))
        written.replace(self.clock)  # nobody reads half of it

    def kill(self) -> None:
        """SIGKILL the API."""
        if self._api is not None:
            self._api.kill()
            self._api.wait()

    async def kill_database(self) -> None:
        """SIGKILL the database server, and wait until it is gone."""
        self._kill_server()
        await asyncio.to_thread(self._wait_for_server)

    @asynccontextmanager
    async def database_away(self) -> AsyncIterator[None]:
        """Kill the database for the block, and keep the API from starting it again before its end."""
        with start_lock(self._database_folder, NEVER):
            await self.kill_database()
            yield

    def database_url(self) -> str:
        """Of the embedded database, as it is noted for other processes."""
        noted = json.loads((self._database_folder / "engine.json").read_text())
        return f"mongodb://127.0.0.1:{noted['port']}/?replicaSet={noted['replica_set']}"

    def server_pid(self) -> int:
        """The database server's process, as noted; believe it only while the server lives."""
        noted = self._database_folder / "server.pid"
        until(lambda: noted.exists() and bool(noted.read_text().strip()), 1.0)  # a moment after it is born
        return int(noted.read_text())

    async def stop(self) -> None:
        """Ctrl-C: the API ends, and the database with the last who uses it."""
        if self._api is not None:
            self._api.send_signal(signal.SIGINT)
            await asyncio.to_thread(self._api.wait, STOP_SECONDS)

    @asynccontextmanager
    async def files(self) -> AsyncIterator[Database]:
        """The database, started once more from its files, with nobody else connected."""
        opened = await asyncio.to_thread(open_embedded, self.data_dir)
        try:
            database = Database.connect(Settings(database_url=SecretStr(opened.url), _env_file=None))
            try:
                yield database
            finally:
                await database.close()
        finally:
            await asyncio.to_thread(opened.close)

    async def end(self) -> None:
        """Leave no process behind, whatever went wrong."""
        self.kill()
        await self.kill_database()

    @property
    def _database_folder(self) -> Path:
        return self.data_dir / "database"

    def _kill_server(self) -> None:
        # A number in a file may be another process's by now: only while the lock is held it is the server's.
        if self._server_lives():
            os.kill(self.server_pid(), signal.SIGKILL)

    def _wait_for_server(self) -> None:
        deadline = monotonic() + STOP_SECONDS
        while self._server_lives() and monotonic() < deadline:
            sleep(_POLL_SECONDS)

    def _server_lives(self) -> bool:
        return self._database_folder.exists() and alive(self._database_folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
