"""A network between clients and servers that cuts, stalls and slows connections."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

_CHUNK = 65_536
_SLOW_CHUNK = 1024

Bars = Callable[[int, bytes], bool]
"""Whether to let nothing through of a port, by it and by what came first, if one has just connected."""


class Proxy:
    """Passes each new connection on to one of the servers that take it."""

    def __init__(self, ports: Sequence[int], chance: random.Random) -> None:
        self._ports = ports
        self._chance = chance
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Event] = {}
        """The connections, and whether each may carry anything."""
        self._bars: Bars | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self.delay = 0.0
        """Seconds that each kilobyte takes."""
        self.latency = 0.0
        """Seconds that all takes, however much it is, one way."""
        self.cuts = 0

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the proxy is not open")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._flows.set()
        self.cut(1.0)
        for task in list(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def cut(self, part: float) -> None:
        """End this part of the connections in the middle of whatever they carry."""
        for writer in list(self._open):
            if self._chance.random() < part:
                self.cuts += 1
                writer.transport.abort()

    def stall(self) -> None:
        """Let nothing through, in any direction, until `flow`."""
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    def part(self, bars: Bars) -> None:
        """Let nothing through of those who are barred, and are not told so, until `rejoin`."""
        self._bars = bars
        for writer, flows in self._open.items():
            if bars(_port(writer), b""):
                flows.clear()

    def rejoin(self) -> None:
        self._bars = None
        for flows in self._open.values():
            flows.set()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # In a task of our own: of one that is cancelled, asyncio's own complains.
        task = asyncio.create_task(self._carry(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        flows = self._open[writer] = asyncio.Event()
        flows.set()
        try:
            found = await self._connect()
            if found is not None:
                try:
                    await self._join(flows, reader, writer, *found)
                finally:
                    found[1].transport.abort()
        finally:
            self._open.pop(writer, None)
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for port in self._chance.sample(self._ports, len(self._ports)):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _join(
        self,
        flows: asyncio.Event,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        """Until one side ends: no half of a connection is kept."""
        await self._greet(flows, reader, writer, far_writer)
        ways = [
            asyncio.create_task(self._pass(flows, reader, far_writer)),
            asyncio.create_task(self._pass(flows, far_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _greet(
        self,
        flows: asyncio.Event,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        """Who connects while others are barred may be one of them."""
        if self._bars is None:
            return
        said = await reader.read(_CHUNK)
        if self._bars is not None and self._bars(_port(writer), said):
            flows.clear()
        await flows.wait()
        far_writer.write(said)

    async def _pass(
        self, flows: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_SLOW_CHUNK if self.delay else _CHUNK):
                await self._flows.wait()
                await flows.wait()
                if self.delay or self.latency:
                    await asyncio.sleep(self.delay + self.latency)
                writer.write(data)
                await writer.drain()


def _port(writer: asyncio.StreamWriter) -> int:
    """Of who connected."""
    address = writer.get_extra_info("peername")
    return 0 if address is None else int(address[1])
