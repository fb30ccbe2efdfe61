"""A database server that Pastis starts itself, for development and tests.

Several processes may use one data folder at once, as equals. Three locks in `<data_dir>/database`
keep them in step, and the kernel frees them whatever kills their holders:

- `start.lock`, held alone while a process starts, joins, leaves or stops the server;
- `users.lock`, shared by all who use the server: who can take it alone is the last and stops it;
- `server.lock`, handed to the server process itself: as long as it is held, the server lives.

`embedded_keeper.py` brings back a server that dies while it is used.

The server listens on 127.0.0.1 without a password: every account of this machine can reach it.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from app.core.config import make_private
from app.core.database.embedded_locks import (
    NEVER,
    EmbeddedDatabaseError,
    alive,
    alone,
    lock_alone,
    pause,
    start_lock,
    until,
)
from app.core.database.embedded_servers import Server, find_servers, last_words, server_environment

if sys.platform != "win32":
    import fcntl

# mongod waits 30 s for whatever took its former port, once, if that accepts connections and stays mute.
START_SECONDS = 60.0
# One that takes longer is killed, and goes on from its journal at the next start.
STOP_SECONDS = 2.0
LEAVE_SECONDS = 2.0
_ATTEMPTS = 3
_NOT_INITIATED = 94
# The server outlives whoever started it, so it is nobody's child. It notes its own number before it
# becomes the server, so that none runs that cannot be stopped.
_DETACH = '/bin/sh -c "$0" sh "$@" &'
_NOTE_PID = 'echo $$ > server.pid && exec "$@"'


@dataclass(frozen=True)
class _Record:
    """What `engine.json` keeps of the server that serves a folder, or last did."""

    kind: str
    created_by: str
    title: str
    replica_set: str
    port: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True)
class EmbeddedDatabase:
    """One use of the embedded server, until `close`; a context manager that closes itself."""

    url: str
    kind: str
    line: str
    folder: Path
    _users: IO[bytes] = field(repr=False)
    _cache_gb: float = field(repr=False)

    def lives(self) -> bool:
        """Whether the server's process is there."""
        return alive(self.folder)

    def start_again(self, ended: threading.Event) -> str:
        """Bring back a dead server on its port, unless another user just did; give the line that says so.

        Gives up when `ended` is set. Raises EmbeddedDatabaseError.
        """
        with open_embedded(self.folder.parent, cache_gb=self._cache_gb, ended=ended) as again:
            return again.line

    def close(self) -> None:
        """End this use; the last one stops the server. A second call does nothing.

        Raises EmbeddedDatabaseError when the server cannot be stopped.
        """
        if self._users.closed:
            return
        with contextlib.closing(self._users), (self.folder / "start.lock").open("ab") as lock:
            # Whoever holds it longer starts the server to use it, and is left to stop it.
            if until(lambda: lock_alone(lock), LEAVE_SECONDS):
                _leave(self.folder, self._users)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_embedded(
    data_dir: Path,
    *,
    cache_gb: float = 0.5,
    servers: Iterable[Server] | None = None,
    ended: threading.Event = NEVER,
) -> EmbeddedDatabase:
    """Join the server of `data_dir`, or start one of `servers` (default: those of this machine).

    The first server that can read the folder is taken. Another thread may set `ended` to have no more
    waiting. Raises EmbeddedDatabaseError.
    """
    if sys.platform == "win32":
        raise EmbeddedDatabaseError(
            "The embedded database runs on Linux and macOS only. Start MongoDB as a replica set and set "
            "PASTIS_DATABASE_URL to its address."
        )
    folder = data_dir.resolve() / "database"
    try:
        make_private(folder)
        users = (folder / "users.lock").open("ab")
    except OSError as error:
        raise EmbeddedDatabaseError(
            f"Cannot write the database folder {folder}: {error.strerror}."
        ) from error
    with contextlib.ExitStack() as undo:
        undo.callback(users.close)
        with start_lock(folder, ended):
            fcntl.flock(users, fcntl.LOCK_SH)
            with _leaving_on_failure(folder, users):
                record, how = _join_or_start(folder, users, cache_gb, servers, ended)
        undo.pop_all()
    line = f"Database: {record.title}, {how} on {record.host}, files in {folder}"
    url = f"mongodb://{record.host}/?replicaSet={record.replica_set}"
    return EmbeddedDatabase(url, record.kind, line, folder, users, cache_gb)


@contextlib.contextmanager
def _leaving_on_failure(folder: Path, users: IO[bytes]) -> Iterator[None]:
    try:
        yield
    except BaseException as failure:
        # The first failure is the one to report.
        try:
            _leave(folder, users)
        except EmbeddedDatabaseError as second:
            failure.add_note(str(second))
        raise


def _leave(folder: Path, users: IO[bytes]) -> None:
    if lock_alone(users):
        _stop(folder)


def _join_or_start(
    folder: Path,
    users: IO[bytes],
    cache_gb: float,
    servers: Iterable[Server] | None,
    ended: threading.Event,
) -> tuple[_Record, str]:
    record = _read_record(folder)
    if record and alive(folder):
        try:
            _wait_ready(folder, record, ended)
        except EmbeddedDatabaseError:
            # It was dying, which is fine. If it hangs, it may be stopped only if nobody else works with it.
            if alive(folder) and not alone(users):
                raise
            _stop(folder)
        else:
            return record, "already running"
    server = _choose(folder, record, servers)
    # Others know the server by its port, and cannot learn another.
    fixed = not alone(users)
    return _start(folder, server, record, cache_gb, fixed, ended), "started"


def _choose(folder: Path, record: _Record | None, servers: Iterable[Server] | None) -> Server:
    refused: list[str] = []
    if record is None and any((folder / "data").glob("*")):
        raise EmbeddedDatabaseError(
            f"{folder} holds data but no engine.json, so it is unknown which server made it. Restore that "
            "file, or choose another PASTIS_DATA_DIR."
        )
    for server in find_servers(refused) if servers is None else servers:
        if record is None or server.can_open(record.kind, record.created_by):
            return server
        refused.append(f"{server.title} cannot read these files")
    if record:
        raise EmbeddedDatabaseError(
            f"The data in {folder} was made by {record.kind} {record.created_by} and nothing here can open "
            f"it: {'; '.join(refused)}. Install that server again, or choose another PASTIS_DATA_DIR."
        )
    raise EmbeddedDatabaseError(
        f"There is no database: PASTIS_DATABASE_URL is not set, and {'; '.join(refused)}. Set it to the "
        f"address of a MongoDB replica set, or install MongoDB, or run: {sys.executable} -m pip install "
        "SecantusDB"
    )


def _start(
    folder: Path,
    server: Server,
    last: _Record | None,
    cache_gb: float,
    fixed: bool,
    ended: threading.Event,
) -> _Record:
    (folder / "data").mkdir(mode=0o700, exist_ok=True)
    port = last.port if last else 0
    for _ in range(_ATTEMPTS):
        port = _free_port(port, fixed)
        created_by = last.created_by if last else server.version
        record = _Record(server.kind, created_by, server.title, server.replica_set, port)
        _write_record(folder, record)
        _spawn(folder, server.command(folder / "data", port, cache_gb))
        try:
            _wait_ready(folder, record, ended)
        except EmbeddedDatabaseError:
            # Another program may have taken the port between the choice and the start.
            if alive(folder) or _free_port(port, fixed) == port:
                raise
        else:
            return record
    raise EmbeddedDatabaseError(f"Found no free port for the database of {folder}. Try again.")


def _free_port(wanted: int, fixed: bool) -> int:
    """`wanted` if it is free, so that a folder keeps its port; else one that is, unless it is `fixed`."""
    for port in (wanted,) if fixed else (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    trouble = f"Another program took the port {wanted}, and" if fixed else "No port is free, and"
    raise EmbeddedDatabaseError(f"{trouble} the database needs it.")


def _spawn(folder: Path, command: list[str]) -> None:
    (folder / "server.pid").unlink(missing_ok=True)
    log = folder / "server.log"
    if log.exists():
        log.replace(folder / "server.log.old")
    with (folder / "server.lock").open("ab") as lock, log.open("wb") as output:
        # Waits for those who look, a moment.
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Its own session, so that Ctrl-C in a terminal reaches Pastis alone.
        subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", _DETACH, _NOTE_PID, *command],
            check=True,
            cwd=folder,
            env=server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )


def _stop(folder: Path) -> None:
    if not alive(folder):
        return
    noted = folder / "server.pid"
    until(lambda: noted.exists() and bool(noted.read_text().strip()), 1.0)
    try:
        pid = int(noted.read_text())
    except (OSError, ValueError) as error:
        raise EmbeddedDatabaseError(f"Cannot stop the database: {noted} names no process.") from error
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if until(lambda: not alive(folder), seconds):
            return
    raise EmbeddedDatabaseError(f"The database process {pid} of {folder} does not end. End it by hand.")


def _wait_ready(folder: Path, record: _Record, ended: threading.Event) -> None:
    """Return once the server takes writes; raises EmbeddedDatabaseError when it died or stays deaf."""
    deadline = time.monotonic() + START_SECONDS
    trouble = "it never answered"
    while time.monotonic() < deadline and alive(folder):
        pause(ended)
        if not _listens(record.port):
            continue
        try:
            with _client(record) as client:
                if _takes_writes(client, folder, record):
                    return
        except PyMongoError as error:
            trouble = str(error)
    state = trouble if alive(folder) else f"it stopped: {last_words(folder / 'server.log')}"
    raise EmbeddedDatabaseError(
        f"The database {record.title} on {record.host} does not serve {folder}: {state}. See "
        f"{folder / 'server.log'}."
    )


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _client(record: _Record) -> MongoClient[dict[str, Any]]:
    return MongoClient(
        "127.0.0.1",
        record.port,
        directConnection=True,
        serverSelectionTimeoutMS=2000,
        socketTimeoutMS=2000,
    )


def _takes_writes(client: MongoClient[dict[str, Any]], folder: Path, record: _Record) -> bool:
    hello = client.admin.command("hello")
    if record.kind != "mongod":
        return bool(hello.get("isWritablePrimary")) and hello.get("setName") == record.replica_set
    # Another folder's mongod may have taken the port.
    options = client.admin.command("getCmdLineOpts")["parsed"]
    if options.get("storage", {}).get("dbPath") != str(folder / "data"):
        return False
    if hello.get("isWritablePrimary"):
        return True
    _make_alone_primary(client, record)
    return False


def _make_alone_primary(client: MongoClient[dict[str, Any]], record: _Record) -> None:
    """Make the server a replica set of itself, also when its port changed since the last run."""
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != _NOT_INITIATED:
            raise
        members = [{"_id": 0, "host": record.host}]
        client.admin.command("replSetInitiate", {"_id": record.replica_set, "members": members})
        return
    if config["members"][0]["host"] != record.host:
        config["members"][0]["host"] = record.host
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)


def _read_record(folder: Path) -> _Record | None:
    path = folder / "engine.json"
    try:
        return _Record(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError) as error:
        raise EmbeddedDatabaseError(
            f"{path} cannot be read, so it is unknown which server made {folder}. Restore that file, or "
            "choose another PASTIS_DATA_DIR."
        ) from error


def _write_record(folder: Path, record: _Record) -> None:
    draft = folder / "engine.json.new"
    draft.write_text(json.dumps(asdict(record)) + "\n")
    draft.replace(folder / "engine.json")
