"""All that somebody sees, as of one number of the log: lines of JSON, written once for all who see the same.

The first line has the cursor to go on from, the last one how many documents there were.
"""

import asyncio
import os
import tempfile
import weakref
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import IO

from isal import isal_zlib as zlib

from app.core.background import seen, stop
from app.core.database.moments import Moment, moment
from app.core.documents import Doc, dump
from app.core.errors import ErrorCode, PastisError
from app.core.logging import get_logger
from app.services.sync import queries
from app.services.sync.following import Following
from app.services.sync.reach import View
from app.services.sync.rights import Viewer
from app.services.sync.rules import Cursor

KEPT = 4
"""Snapshots that a workspace's clients may find ready."""
LINES = 250
"""So many are written before others have their turn in the process."""
CHUNK = 262_144
_GZIP = 16 + zlib.MAX_WBITS
_FASTEST = 1

logger = get_logger(__name__)


class Snapshot:
    """In a file without a name: while it grows it is read, by as many as want to, each at their pace."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.failed = False
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open for as long as anybody reads
        weakref.finalize(self, self._file.close)
        self._packer = zlib.compressobj(_FASTEST, zlib.DEFLATED, _GZIP)
        self._size = 0
        self._is_whole = False
        self._grown = asyncio.Event()

    async def gzip(self) -> AsyncGenerator[bytes, None]:
        """Compressed; ends before its end where the snapshot failed."""
        at = 0
        while True:
            grown = self._grown
            if at < self._size:
                data = await asyncio.to_thread(os.pread, self._file.fileno(), CHUNK, at)
                at += len(data)
                yield data
            elif self._is_whole or self.failed:
                return
            else:
                await grown.wait()

    async def plain(self) -> AsyncGenerator[bytes, None]:
        """The lines; ends before their end where the snapshot failed."""
        unpacker = zlib.decompressobj(_GZIP)
        async with aclosing(self.gzip()) as packed:
            async for data in packed:
                yield await asyncio.to_thread(unpacker.decompress, data)

    async def add(self, lines: bytes) -> None:
        self._size += await asyncio.to_thread(self._write, lines)
        self._tell()

    async def finish(self) -> None:
        self._size += await asyncio.to_thread(self._file.write, self._packer.flush())
        self._file.flush()
        self._is_whole = True
        self._tell()

    def fail(self) -> None:
        self.failed = not self._is_whole
        self._tell()

    def _write(self, lines: bytes) -> int:
        written = self._file.write(self._packer.compress(lines))
        self._file.flush()
        return written

    def _tell(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


class Snapshots:
    """Those of one workspace."""

    def __init__(self, log: Following) -> None:
        self._log = log
        self._ready: dict[str, Snapshot] = {}
        self._starting: dict[str, asyncio.Task[Snapshot]] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def get(self, viewer: Viewer) -> Snapshot:
        """One as of now, or a little older: the cursor in it leads to now. Raises what `Rights.view` does."""
        while True:
            digest = self._log.view(viewer).digest
            known = self._ready.get(digest)
            if known is not None and not known.failed and self._log.ring.has(known.cursor.seq):
                return known
            starting = self._starting.get(digest)
            if starting is None:
                starting = self._starting[digest] = asyncio.create_task(self._start(viewer))
                starting.add_done_callback(partial(self._started, digest))
            snapshot = await asyncio.shield(starting)
            # It was begun for somebody who saw the same then.
            if snapshot.cursor.digest == self._log.view(viewer).digest:
                return snapshot

    def _started(self, digest: str, starting: "asyncio.Task[Snapshot]") -> None:
        del self._starting[digest]
        seen(starting)

    async def close(self) -> None:
        for task in [*self._starting.values(), *self._writing]:
            await stop(task)

    async def _start(self, viewer: Viewer) -> Snapshot:
        started: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._write(viewer, started))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        snapshot = await started
        self._ready.pop(snapshot.cursor.digest, None)
        while len(self._ready) >= KEPT:
            del self._ready[next(iter(self._ready))]
        self._ready[snapshot.cursor.digest] = snapshot
        return snapshot

    async def _write(self, viewer: Viewer, started: "asyncio.Future[Snapshot]") -> None:
        snapshot: Snapshot | None = None
        try:
            async with moment(self._log.database) as session:
                head = await queries.head(self._log.database, self._log.workspace_id, session)
                if head is None or head["epoch"] != self._log.epoch:
                    raise PastisError(ErrorCode.SYNC_RESET)  # noqa: TRY301 - told to whoever waits
                view = self._log.view(viewer, await self._log.rights_at(head["seq"]))
                snapshot = Snapshot(Cursor(self._log.epoch, head["seq"], view.digest))
                started.set_result(snapshot)
                await self._fill(snapshot, view, session)
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            if snapshot is None:
                started.set_exception(error)
                return
            logger.warning("a snapshot was cut off", error=type(error).__name__)
        finally:
            if snapshot is not None:
                snapshot.fail()

    async def _fill(self, snapshot: Snapshot, view: View, session: Moment) -> None:
        cursor, count = snapshot.cursor, 0
        await snapshot.add(_line({"epoch": cursor.epoch, "seq": cursor.seq, "cursor": str(cursor)}))
        found = queries.within(self._log.database, self._log.workspace_id, view.reach, session)
        async with aclosing(found) as parts:
            async for kind, docs in parts:
                count += len(docs)
                for begin in range(0, len(docs), LINES):
                    lines = [_document(kind, view.shown(kind, doc)) for doc in docs[begin : begin + LINES]]
                    await snapshot.add(b"".join(lines))
        await snapshot.add(_line({"end": True, "docs": count}))
        await snapshot.finish()


def _line(value: Doc) -> bytes:
    return dump(value) + b"\n"


def _document(kind: str, doc: Doc) -> bytes:
    return b'{"kind":"%b","doc":%b}\n' % (kind.encode(), dump(doc))
