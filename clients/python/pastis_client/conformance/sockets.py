"""The socket: the frames of the stream, and commands with their answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from pastis_client.conformance.checks import check
from pastis_client.conformance.kit import (
    SOON_SECONDS,
    FailedError,
    Place,
    expect,
    expect_that,
    follow,
    parsed,
)
from pastis_client.ids import new_id
from pastis_client.replica import Replica


class Socket:
    """Messages as they come; frames go to the replica."""

    def __init__(self, connection: ClientConnection, replica: Replica | None) -> None:
        self._connection = connection
        self.replica = replica
        self.ops: list[Any] = []

    async def message(self) -> Any:
        """The next one, a frame taken on the way."""
        async with asyncio.timeout(SOON_SECONDS):
            said = json.loads(await self._connection.recv())
        if said.get("type") == "frame":
            frame = parsed(json.dumps(said))
            self.ops += frame.ops
            if self.replica is not None:
                follow(self.replica, frame)
        return said

    async def other(self) -> Any:
        """The next message that comes because of what was said."""
        while (said := await self.message()).get("type") in ("frame", "presence", "welcome"):
            pass
        return said

    async def say(self, text: str) -> None:
        await self._connection.send(text)

    async def command(self, id_: str, method: str, path: str, body: Any) -> Any:
        """The answer to a command."""
        said = {"type": "command", "id": id_, "method": method, "path": path, "body": body}
        await self.say(json.dumps(said))
        answer = await self.other()
        expect((answer.get("type"), answer.get("id")), ("answer", id_), "the answer to a command")
        return answer

    async def until(self, number: int) -> None:
        while self.replica is not None and self.replica.number < number:
            await self.message()


@asynccontextmanager
async def _opened(at: Place, replica: Replica | None, ticket: str | None = None) -> AsyncIterator[Socket]:
    asked = dict(at.mine)
    headers = {}
    if replica is not None:
        asked["since"] = replica.cursor
    if ticket is None:
        headers["Authorization"] = f"Bearer {await at.me.bearer()}"
    else:
        asked["ticket"] = ticket
    address = f"ws{at.url.removeprefix('http').rstrip('/')}{at.me.path}/sync/ws?{urlencode(asked)}"
    async with connect(address, additional_headers=headers, max_size=None) as connection:
        yield Socket(connection, replica)


def _made(at: Place, title: str) -> tuple[str, str, Any]:
    return "POST", "/tasks", {"project_id": at.project["id"], "title": title}


@check()
async def socket_tells_the_frames_of_the_stream(at: Place) -> None:
    """A socket tells what the stream tells, without gaps."""
    replica = await at.replica()
    same = Replica.from_json(json.loads(json.dumps(replica.to_json())))
    async with at.me.stream(replica, **at.mine) as stream, _opened(at, same) as socket:
        number = 0
        for title in ("First", "Second", "Third"):
            number = (await at.task(title)).number
        await stream.until(number)
        await socket.until(number)
    told = [dict(op) for frame in stream.frames for op in frame.ops]
    expect(json.dumps(socket.ops), json.dumps(told), "what the socket tells, as the stream does")


@check()
async def socket_answers_commands(at: Place) -> None:
    """A command on a socket has the answer of its route, and its frame."""
    async with _opened(at, await at.replica()) as socket:
        answer = await socket.command(new_id(), *_made(at, "By socket"))
        expect(answer.get("status"), 201, "status of the answer")
        await socket.until(int(answer["headers"]["pastis-event"]))
        task = answer["body"]
        held = None if socket.replica is None else socket.replica.get("task", task["id"])
        expect(held, task, "the task that was made")


@check()
async def socket_does_a_repeated_command_once(at: Place) -> None:
    """A command that comes again, also on another socket, has the same answer and is one event."""
    id_, answers = new_id(), []
    replica = await at.replica()
    for _ in range(2):
        async with _opened(at, None) as socket:
            answers.append(await socket.command(id_, *_made(at, "Sent twice")))
    expect(answers[1].get("body"), answers[0].get("body"), "the answer to the repeated command")
    frame = await at.me.page(replica.cursor, **at.mine)
    expect(len([op for op in frame.ops if op["kind"] == "task"]), 1, "how many tasks came")


@check()
async def socket_refuses_nonsense_and_stays(at: Place) -> None:
    """What makes no sense is answered by a refusal, and the socket stays open."""
    async with _opened(at, None) as socket:
        for nonsense in ("{", "[]", '{"type":"song"}'):
            await socket.say(nonsense)
            expect((await socket.other()).get("type"), "refusal", f"the answer to {nonsense}")
        answer = await socket.command(new_id(), *_made(at, "It goes on"))
        expect(answer.get("status"), 201, "status of a command after that")


@check()
async def ticket_is_good_once(at: Place) -> None:
    """A ticket opens one socket, without a header."""
    made = await at.me.ask("POST", "/sync/tickets")
    expect(made.status_code, 200, "status of a new ticket")
    ticket = made.json()["ticket"]
    async with _opened(at, None, ticket) as socket:
        expect((await socket.message()).get("type"), "welcome", "the first message")
    try:
        async with _opened(at, None, ticket) as socket:
            said = await socket.message()
    except InvalidStatus as refusal:
        expect_that(refusal.response.status_code == 401, "401", refusal.response.status_code)
    else:
        raise FailedError(f"expected the second socket with a ticket to be refused, came {said!r}"[:200])
