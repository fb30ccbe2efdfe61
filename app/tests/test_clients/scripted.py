"""A server that says over real HTTP just what a script tells it to, byte by byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

Asked = dict[str, Any]


class Wire:
    """One answer under way."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def begin(self, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        head = [f"HTTP/1.1 {status} Told", f"Content-Type: {kind}", "Connection: close"]
        head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*head, "", ""]))

    async def send(self, text: str | bytes) -> None:
        self._writer.write(text.encode() if isinstance(text, str) else text)
        await self._writer.drain()

    async def answer(self, body: Any, status: int = 200, **headers: str) -> None:
        await self.begin(status, **headers)
        await self.send(json.dumps(body))

    async def refuse(self, status: int, code: str, **headers: str) -> None:
        await self.answer({"status": status, "code": code, "title": code}, status, **headers)

    async def frame(self, since: int, to: int, *ops: Any, epoch: str = "e") -> None:
        cursor = f"{epoch}.{to}.x"
        told = {"epoch": epoch, "from": since, "to": to, "cursor": cursor, "ops": ops}
        await self.event("message", told)

    async def event(self, kind: str, told: Any) -> None:
        await self.send(f"event: {kind}\ndata: {json.dumps(told)}\n\n")

    async def snapshot(self, seq: int, *docs: tuple[str, Any], epoch: str = "e") -> None:
        await self.begin(kind="application/x-ndjson")
        await self.send(json.dumps({"epoch": epoch, "seq": seq, "cursor": f"{epoch}.{seq}.x"}) + "\n")
        for kind, doc in docs:
            await self.send(json.dumps({"kind": kind, "doc": doc}, ensure_ascii=False) + "\n")
        await self.send(json.dumps({"end": True, "docs": len(docs)}) + "\n")


Step = Callable[[Wire], Awaitable[None]]


class Scripted:
    """Plays the next step of `/sync`, `/sync/snapshot` or the rest for each request; the last one again."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.sync: list[Step] = []
        self.snapshots: list[Step] = []
        self.others: list[Step] = []
        self.url = ""
        self._open: set[asyncio.Task[None]] = set()

    def of(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked["path"].endswith(path)]

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(asyncio.create_task(self._handle(reader, writer)))

    async def hang_up(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._play(await _read(reader), Wire(writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _play(self, asked: Asked, wire: Wire) -> None:
        self.asked.append(asked)
        last = asked["path"].rpartition("/")[2]
        steps = {"sync": self.sync, "snapshot": self.snapshots}.get(last, self.others)
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        await step(wire)


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, target, _ = first.split()
    address = urlsplit(target)
    query = parse_qs(address.query)
    return {"method": method, "path": address.path, "query": query, "headers": headers, "body": body}


@asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    script = Scripted()
    server = await asyncio.start_server(script.take, "127.0.0.1", 0)
    async with server:
        script.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield script
        await script.hang_up()
