"""Database servers as one replica set, whose processes can be killed, stopped and started again."""

import asyncio
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from app.core.database.embedded_servers import Server, find_servers, server_environment
from chaos.service import free_port

MEMBERS = 3
START_SECONDS = 60.0
SETTINGS = {"electionTimeoutMillis": 3000, "heartbeatTimeoutSecs": 3}
"""As deploy/ has them."""
_CACHE_GB = 0.25
_LOOK_SECONDS = 0.2


class Member:
    """One server, from its first start to its end on the same port."""

    def __init__(self, server: Server, folder: Path, more: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        """Where the others and clients find it; a proxy may stand there."""
        self._more = more
        self._server = server
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError("it was never started")
        return self._process.pid

    def start(self) -> None:
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        with (self._folder / "said.txt").open("ab") as said:
            self._process = subprocess.Popen(
                [*self._server.command(data, self.port, _CACHE_GB), *self._more],
                env=server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def kill(self) -> None:
        """SIGKILL, which ends a stopped process too."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def ask(self, command: str | dict[str, Any]) -> dict[str, Any]:
        """Raises PyMongoError."""
        client: MongoClient[dict[str, Any]] = MongoClient(
            "127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=1000, socketTimeoutMS=1000
        )
        with client:
            return dict(client.admin.command(command))


class ReplicaSet:
    def __init__(self, folder: Path, members: int = MEMBERS, more: Sequence[str] = ()) -> None:
        """`more` is for the servers' command lines. Raises RuntimeError where this machine has no mongod."""
        server = next((one for one in find_servers([]) if one.kind == "mongod"), None)
        if server is None:
            raise RuntimeError("there is no mongod")
        self._name = server.replica_set
        self.members = [Member(server, folder / f"member{number}", more) for number in range(members)]

    @property
    def url(self) -> str:
        hosts = ",".join(member.host for member in self.members)
        return f"mongodb://{hosts}/?replicaSet={self._name}"

    async def start(self) -> None:
        for member in self.members:
            member.start()
        config = {
            "_id": self._name,
            "members": [{"_id": number, "host": one.host} for number, one in enumerate(self.members)],
            "settings": SETTINGS,
        }
        await self._until(lambda: all(self._answers(one) for one in self.members), "start")
        await asyncio.to_thread(self.members[0].ask, {"replSetInitiate": config})
        await self._until(lambda: self._primary() is not None, "elect a primary")

    async def primary(self, besides: Member | None = None) -> Member:
        """The present one, as soon as there is one, who is not the one that was."""
        found: list[Member] = []

        def look() -> bool:
            found.extend(one for one in [self._primary(besides)] if one is not None)
            return bool(found)

        await self._until(look, "elect a primary")
        return found[0]

    async def whole(self) -> None:
        """Wait until all members take part, so that the next one may be lost."""
        await self._until(self._is_whole, "become whole")

    async def secondary(self) -> Member:
        primary = await self.primary()
        return next(member for member in self.members if member is not primary)

    def end(self) -> None:
        for member in self.members:
            member.kill()

    async def _until(self, holds: Any, what: str) -> None:
        deadline = monotonic() + START_SECONDS
        while monotonic() < deadline:
            if await asyncio.to_thread(holds):
                return
            await asyncio.sleep(_LOOK_SECONDS)
        raise RuntimeError(f"the replica set did not {what}")

    def _answers(self, member: Member) -> bool:
        with suppress(PyMongoError):
            return bool(member.ask("ping"))
        return False

    def _is_whole(self) -> bool:
        primary = self._primary()
        with suppress(PyMongoError):
            states = [] if primary is None else primary.ask("replSetGetStatus")["members"]
            return sorted(one["stateStr"] for one in states)[1:] == ["SECONDARY"] * (len(self.members) - 1)
        return False

    def _primary(self, besides: Member | None = None) -> Member | None:
        """Of those that answer; a stopped one that comes back believes for a moment that it still is one."""
        for member in [one for one in self.members if one is not besides]:
            with suppress(PyMongoError):
                if member.ask("hello").get("isWritablePrimary"):
                    return member
        return None
