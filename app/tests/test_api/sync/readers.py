"""Clients of the sync: live, asleep, or refused, each held to what it must have and may have been told."""

import asyncio
from collections.abc import Callable
from typing import Any

from pastis_client.replica import Frame, Replica

from app.core.documents import Doc
from app.tests.support.clients import Answer, Client
from app.tests.support.streams import Stream, copy_of, page, snapshot_of, text_of
from app.tests.test_api.sync.oracle import CANARY, Oracle, Truth, Wish
from app.tests.test_api.sync.pair import Pair

PATIENCE_SECONDS = 6.0
_COME_BACK = ("server_stopping", "overloaded")


class LeakError(AssertionError):
    pass


class Reader:
    def __init__(self, pair: Pair, oracle: Oracle, base: str, token: str, name: str, wish: Wish) -> None:
        self._pair = pair
        self._oracle = oracle
        self._base = base
        self.token = token
        self.name = name
        self.wish = wish
        self.home = 0
        self.replica: Replica | None = None
        self.stream: Stream | None = None
        self.live = True
        """Whether it wants to be connected."""
        self.been_out = False
        """Whether it was let in no more at some time since it last was up to date."""
        self._allowed: set[str] = set()
        self._scanned = 0

    @property
    def client(self) -> Client:
        return self._pair.client(self.home, self.token, self._base)

    async def learn(self) -> Truth:
        """What it may see now, it may be told from now on."""
        truth = await self._oracle.truth(self.token)
        self._allowed |= self._oracle.allowed(truth, self.wish)
        self.been_out |= truth.refusal is not None
        return truth

    def check_text(self, text: str) -> None:
        leaked = set(CANARY.findall(text)) - self._allowed
        if leaked:
            raise LeakError(f"{self.name} was told {leaked}")

    def check_bytes(self) -> None:
        """All that has come over the connection."""
        if self.stream is not None and len(self.stream.body) > self._scanned:
            self.check_text(self.stream.body[self._scanned :].decode())
            self._scanned = len(self.stream.body)

    async def settle(self, *, awake: bool = False) -> None:
        """Come to what it must have, or to the refusal."""
        truth = await self.learn()
        if not (self.live or awake):
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await self._has_come(truth):
                    await self._step(truth)
        except TimeoutError:
            wanted = truth.refusal.code if truth.refusal else self._difference(truth)
            raise AssertionError(f"{self.name} ({self.wish.params}) never came to {wanted}") from None
        self.check_bytes()
        self.been_out = truth.refusal is not None

    def _difference(self, truth: Truth) -> list[str]:
        held = set() if self.replica is None else set(text_of(self.replica).splitlines())
        return sorted(held ^ set(self._oracle.text(truth, self.wish).splitlines()))

    async def _has_come(self, truth: Truth) -> bool:
        code = self._refusal(truth)
        if code is not None and self.stream is None:
            return await self._is_refused(code)
        if truth.refusal is not None or self.replica is None:
            return False
        if self.live and (self.stream is None or not self.stream._events.empty()):
            return False
        return text_of(self.replica) == self._oracle.text(truth, self.wish)

    def _refusal(self, truth: Truth) -> str | None:
        """What who comes now is told. Who is there while a project is hidden stays, and has nothing of it."""
        if truth.refusal is not None:
            return truth.refusal.code
        project = self.wish.project
        return None if project is None or ("project", project) in truth.seen else "not_found"

    async def _is_refused(self, code: str) -> bool:
        """As soon as the process has noticed."""
        answer = await self.client.get("/sync", params=self.wish.params)
        if answer.is_success:
            await asyncio.sleep(0.05)
            return False
        assert answer.json()["code"] == code
        return True

    async def _step(self, truth: Truth) -> None:
        if self.stream is None and self._refusal(truth) is not None:
            return
        if not self.live:
            await self.wake()
        elif self.stream is None:
            await self._connect()
        else:
            await self._take(self.stream)

    async def _connect(self) -> None:
        if self.replica is None:
            await self.fetch()
            return
        stream = Stream(self._pair.processes[self.home].app, self.client, self.replica, self.wish.params)
        await stream.__aenter__()
        self._scanned = 0
        self.stream = stream
        if stream.status != 200:
            await self.leave()
            await asyncio.sleep(0.05)  # it may take a second until a process lets somebody in again

    async def _take(self, stream: Stream) -> None:
        event = await stream._events.get()
        self.check_bytes()
        assert event is not None, f"{self.name}: a stream ended without a reason"
        if event.type == "message":
            frame = Frame.parse(event.data)
            assert event.id == frame.cursor
            self._apply(frame)
            return
        await self.leave()
        await self._ended(event.type, event.data)

    async def _ended(self, type_: str, data: str) -> None:
        if type_ == "reset":
            self._begin_again()
        elif not any(code in data for code in _COME_BACK):
            assert self.been_out, f"{self.name} was sent away: {data}"

    def _apply(self, frame: Frame) -> None:
        assert self.replica is not None
        assert (frame.epoch, frame.since) == (self.replica.epoch, self.replica.number)
        assert frame.to >= frame.since, "a number goes back"
        self.replica.apply(frame)

    async def fetch(self) -> None:
        """Begin anew."""
        former = self.replica
        try:
            replica = await snapshot_of(self.client, **self.wish.params)
            self.check_text(text_of(replica))
            replica.apply(await page(self.client, replica, **self.wish.params))
        except LeakError:
            raise
        except AssertionError:  # refused, which is judged by whoever waits
            await asyncio.sleep(0.05)
            return
        self.check_text(text_of(replica))
        assert former is None or replica.number >= former.number, "a number goes back"
        self.replica = replica

    async def wake(self, **more: Any) -> None:
        """Ask once, with the cursor of before."""
        if self.replica is None:
            await self.fetch()
            return
        self._hear(await self.ask(self.replica.cursor, **more))
        self.check_bytes()

    async def ask(self, cursor: str, **more: Any) -> Answer:
        return await self.client.get("/sync", params={"since": cursor, **self.wish.params, **more})

    def _hear(self, answer: Answer) -> None:
        self.check_text(answer.text)
        if answer.is_success:
            self._apply(Frame.parse(answer.content))
        elif answer.status_code == 410:
            self._begin_again()
        else:
            let_in = not self.been_out and self.wish.project is None
            assert not let_in or answer.status_code == 503, f"{self.name} was refused: {answer.text}"

    def _begin_again(self) -> None:
        """As is right where the log no longer tells what this one could see."""
        assert self.replica is not None
        good = self._oracle.knows_rights_since(self.replica.number)
        assert not good, f"{self.name} had a good cursor, and must begin again"
        self.replica = None

    async def poll(self, seconds: int, meanwhile: Callable[[], Any]) -> None:
        """Wait for what somebody does meanwhile."""
        if self.replica is None:
            await meanwhile()
            return
        asking = asyncio.create_task(self.ask(self.replica.cursor, wait=seconds))
        await asyncio.sleep(0.01)
        await meanwhile()
        answer = await asking
        await self.learn()
        self._hear(answer)

    async def leave(self) -> None:
        self.check_bytes()
        stream, self.stream = self.stream, None
        if stream is not None:
            await stream.__aexit__()

    async def ask_for_something_else(self, wish: Wish) -> None:
        """A cursor is good for what it was asked for with, or for what comes to the same."""
        if self.replica is None or self.been_out:
            return
        truth = await self.learn()
        params: Doc = {"since": self.replica.cursor, **wish.params}
        answer = await self.client.get("/sync", params=params)
        if answer.status_code != 410:
            other = copy_of(self.replica)
            other.apply(Frame.parse(answer.content))
            assert text_of(other) == self._oracle.text(truth, wish), "another wish was taken"
