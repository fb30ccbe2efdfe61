"""A workspace over one WebSocket: frames as in the stream, commands with their answers, and presence."""

import asyncio
from dataclasses import replace
from urllib.parse import unquote

import orjson
from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import answer
from app.api.session import Caller
from app.api.streams import FAREWELL_SECONDS, Connection, abort
from app.api.validation import field_errors
from app.core.documents import Doc, dump
from app.core.errors import ErrorCode, PastisError
from app.schemas.sockets import MESSAGE, CommandMessage, PresenceMessage
from app.services.sync import Feed, Frame, Opened, SyncEngine
from app.services.sync.presence import Person
from app.utils.ids import new_id
from app.utils.strict_json import InvalidJson, loads

NORMAL = 1000
GOING_AWAY = 1001
_PASSED_ON = frozenset({b"accept-language", b"user-agent", b"x-forwarded-for"})
_SHOWN = frozenset({b"etag", b"idempotency-replayed", b"location", b"pastis-event", b"retry-after"})


class Socket(Connection):
    """What it is told goes to the client as it comes; commands are done one after the other."""

    def __init__(
        self, scope: Scope, sync: SyncEngine, workspace_id: str, opened: Opened | PastisError, caller: Caller
    ) -> None:
        super().__init__(sync, opened)
        self._app: ASGIApp = scope["app"]
        self._scope = scope
        self._caller = caller
        self._workspace = f"/api/v1/workspaces/{workspace_id}"
        self._connection_id = new_id()

    async def run(self, receive: Receive, send: Send) -> None:
        """As an ASGI application, from the client's request to connect."""
        await receive()
        await send({"type": "websocket.accept"})
        await super().run(receive, send)

    async def _begin(self, opened: Opened, send: Send) -> Feed:
        async def tell(frame: Frame) -> None:
            await _say(send, b'{"type":"frame",' + frame.body[1:])

        async def tell_people(step: Doc) -> None:
            await _say(send, dump({"type": "presence", **step}))

        await _say(send, dump({"type": "welcome", "connection_id": self._connection_id}))
        await tell(opened.frame)
        feed = self._sync.join(opened, tell, self._end)
        feed.hub.lobby.enter(feed, self._person(feed), tell_people)
        return feed

    def _person(self, feed: Feed) -> Person:
        return Person(self._connection_id, feed.viewer.membership_id)

    async def _listen(self, feed: Feed, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            raw = message.get("bytes") or b"" if text is None else text.encode("utf-8", "surrogatepass")
            try:
                said = _read(raw)
            except (InvalidJson, PastisError) as error:
                await self._refuse(send, error)
            else:
                if isinstance(said, CommandMessage):
                    await _say(send, await self._answer(said))
                else:
                    await self._be(feed, said)

    async def _be(self, feed: Feed, said: PresenceMessage) -> None:
        """Where somebody says to be; on a task that they do not see, they are nowhere."""
        project_id = None if said.task_id is None else await self._sync.project_of(feed, said.task_id)
        told = said.model_dump(exclude={"type"}) if project_id is not None else {}
        feed.hub.lobby.be(feed, replace(self._person(feed), project_id=project_id, **told))

    async def _refuse(self, send: Send, error: PastisError | InvalidJson) -> None:
        """Say what is wrong with a message, whose id is not known for sure."""
        await _say(send, b'{"type":"refusal","problem":%b}' % self._problem(error))

    async def _answer(self, command: CommandMessage) -> bytes:
        """Do a command as its route does, with everything around it."""
        collected = _Collected()
        await self._app(self._request(command), collected.receive(command), collected.send)
        headers = {name.decode(): value.decode("latin-1") for name, value in collected.headers}
        told = dump({"type": "answer", "id": command.id, "status": collected.status, "headers": headers})
        return told[:-1] + b',"body":%b}' % (bytes(collected.body) or b"null")

    def _request(self, command: CommandMessage) -> Scope:
        path, _, query = command.path.partition("?")
        passed_on = [(name, value) for name, value in self._scope["headers"] if name in _PASSED_ON]
        own = [(b"idempotency-key", command.id.encode()), (b"content-type", b"application/json")]
        if command.if_match is not None:
            own.append((b"if-match", command.if_match.encode()))
        whole = self._workspace + path
        return {
            "type": "http",
            "asgi": self._scope["asgi"],
            "http_version": "1.1",
            "method": command.method,
            "scheme": {"wss": "https"}.get(self._scope["scheme"], "http"),
            "path": unquote(whole),
            "raw_path": whole.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [*passed_on, *own],
            "client": self._scope["client"],
            "server": self._scope["server"],
            "state": {"caller": self._caller},
        }

    def _problem(self, error: Exception) -> bytes:
        return bytes(answer(self._scope, error).body)

    async def _part_with(self, send: Send, reason: PastisError) -> None:
        kind = b"reset" if reason.code is ErrorCode.SYNC_RESET else b"end"
        stopping = reason.code is ErrorCode.SERVER_STOPPING
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await _say(send, b'{"type":"%b","problem":%b}' % (kind, self._problem(reason)))
                await send({"type": "websocket.close", "code": GOING_AWAY if stopping else NORMAL})
        except (OSError, TimeoutError):
            await abort(send)


def _read(raw: bytes) -> CommandMessage | PresenceMessage:
    """Raises InvalidJson, and `validation_failed`."""
    said = loads(raw)
    try:
        return MESSAGE.validate_python(said)
    except ValidationError as error:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise PastisError(ErrorCode.VALIDATION_FAILED, errors=field_errors(errors, said)) from None


class _Collected:
    """The answer to a request that was made inside."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()

    @staticmethod
    def receive(command: CommandMessage) -> Receive:
        body = b"" if command.body is None else orjson.dumps(command.body)

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        return receive

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [pair for pair in message["headers"] if pair[0] in _SHOWN]
        else:
            self.body += message.get("body", b"")


async def _say(send: Send, message: bytes) -> None:
    await send({"type": "websocket.send", "text": message.decode()})
