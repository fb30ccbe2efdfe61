"""The state machine of sync: people write, clients follow, sleep and come back, processes start again."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from app.services.sync import Compaction
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.factories import found_workspace, log_in, make_user
from app.tests.test_api.sync import deeds
from app.tests.test_api.sync.deeds import Chooser, Deed
from app.tests.test_api.sync.oracle import Oracle, Wish
from app.tests.test_api.sync.pair import Pair
from app.tests.test_api.sync.readers import Reader
from app.utils.ids import new_id

SEEDS = st.integers(0, 2**32 - 1)
MOST_READERS = 14
_FIRST = (
    *(deeds.create_team, deeds.create_label, deeds.create_role, deeds.change_team),
    *(deeds.create_grant, deeds.create_grant, deeds.create_grant),
    *(deeds.create_task, deeds.create_task, deeds.create_task, deeds.create_task),
    *(deeds.create_comment, deeds.create_comment, deeds.create_comment),
)
_NARROW = {"task": frozenset({"priority", "status_id"})}


@dataclass
class Tally:
    """What all worlds together have done. Nothing is shrunk: `first` is the trace of the one that failed."""

    steps: int = 0
    deeds: int = 0
    repeats: int = 0
    settled: int = 0
    restarts: int = 0
    shortened: int = 0
    first: str = ""

    @property
    def line(self) -> str:
        return (
            f"{self.steps:,} steps, {self.deeds:,} writes, {self.repeats:,} repeated, {self.restarts:,} "
            f"restarts, {self.shortened:,} shorter logs, {self.settled:,} replicas held against the oracle"
        )


class World:
    """A workspace of its own, with all who write and read there."""

    def __init__(self, pair: Pair, tally: Tally, makers: Mapping[str, deeds.Maker]) -> None:
        self.pair = pair
        self.tally = tally
        self.chance = Random(0)
        self.trace: list[str] = []
        self._makers = makers
        self._tokens: list[str] = []
        self._done: dict[str, int] = {}
        """The event that each mutation was acknowledged with."""
        self.readers: list[Reader] = []
        self.choose: Chooser
        self.oracle: Oracle

    async def begin(self) -> None:
        services = self.pair.witness.services
        made = await found_workspace(services, self.pair.client(0, "", ""))
        emails = {user.id: user.email for role, user in made.users.items() if role != "owner"}
        self._base = f"/api/v1/workspaces/{made.id}"
        tokens = {"owner": made.api.token, "admin": made.admin.token, "member": made.member.token}
        for name in ("stranger", "guest", "helper"):
            user = made.users.get(name) or await make_user(services, name)
            emails[user.id] = user.email
            tokens[name] = made.stranger.token if name == "stranger" else await log_in(services, user)
        self._tokens = [token for token in tokens.values() if token is not None]
        self.oracle = Oracle(services, made.id)
        self.choose = Chooser(self.oracle, emails)
        await self._furnish(emails.values())
        for name, token in tokens.items():
            self._join(name, token or "", Wish())
        self._join("owner narrow", self._tokens[0], Wish(made.project["id"], _NARROW))
        self._join("member narrow", self._tokens[2], Wish(fields=_NARROW))
        self._join("member there", self._tokens[2], Wish(made.project["id"]))
        await self._visit()
        await self.settle()

    async def _furnish(self, emails: Iterable[str]) -> None:
        """Something of everything, by the owner."""
        projects = [("HID", "private"), ("OPEN", "link")]
        roles = zip(emails, ("admin", "member", "guest", "guest", "member"), strict=True)
        first = [
            *(Deed("POST", "/memberships", {"email": email, "role": role}) for email, role in roles),
            *(
                Deed("POST", "/projects", {"key": key, "name": self.choose.canary(), "visibility": seen})
                for key, seen in projects
            ),
        ]
        owner = self.pair.client(0, self._tokens[0], self._base)
        for deed in first:
            await self._send(owner, deed, new_id())  # two of them are members already
        self.choose.chance = self.chance
        for maker in _FIRST:
            await self.oracle.look()
            if (made := maker(self.choose)) is not None:
                await self._send(owner, made, new_id())
        await self.oracle.look()

    def _join(self, name: str, token: str, wish: Wish) -> None:
        reader = Reader(self.pair, self.oracle, self._base, token, name, wish)
        reader.home = len(self.readers) % 2
        self.readers.append(reader)

    async def close(self) -> None:
        for reader in self.readers:
            await reader.leave()

    async def settle(self) -> None:
        """Everybody comes to what the oracle says."""
        await asyncio.gather(*(reader.settle() for reader in self.readers))
        self.tally.settled += len(self.readers)

    async def looked(self) -> None:
        """What has just been done may be told to who sees it."""
        await self.oracle.look()
        for mutation, seq in self._done.items():
            assert mutation in self.oracle.mutations, f"the write that was acknowledged as {seq} is lost"
        for reader in self.readers:
            await reader.learn()
            reader.check_bytes()

    # --- steps

    async def act(self) -> None:
        """A few things one after the other, and all that follows from them."""
        for _ in range(self.chance.choice([1, 2, 3, 4])):
            await self._do(deeds.make_up(self.choose, self._makers))
            await self.looked()
        await self.settle()

    async def burst(self) -> None:
        """Many at once, in both processes."""
        made = [maker(self.choose) for maker in self.chance.choices(deeds.EDITS, k=6)]
        await asyncio.gather(*(self._do(deed) for deed in made if deed is not None))
        await self.looked()
        await self.settle()

    async def wander(self) -> None:
        """Somebody goes, comes back, or asks the other process."""
        for reader in self.chance.sample(self.readers, 3):
            await reader.leave()
            reader.home = self.chance.randrange(2)
            reader.live = self.chance.random() < 0.5
            self.trace.append(f"{reader.name} at {reader.home}, {'live' if reader.live else 'asleep'}")
        await self.settle()

    async def ask(self) -> None:
        """Who sleeps looks in, somebody polls, somebody begins anew, somebody asks for something else."""
        sleeping = [reader for reader in self.readers if not reader.live]
        for reader in self.chance.sample(sleeping, min(2, len(sleeping))):
            await reader.settle(awake=True)
            await reader.ask_for_something_else(Wish(fields=_NARROW))
        poller, fresh = self.chance.sample(self.readers, 2)
        if not poller.live:
            await poller.settle(awake=True)
            await poller.poll(1, self._one_deed)
        if not fresh.live and not fresh.been_out:
            fresh.replica = None
            await fresh.settle(awake=True)
            await fresh.ask_for_something_else(Wish())
        await self.settle()

    async def restart(self) -> None:
        if self.chance.random() < 0.3:
            number = self.chance.randrange(2)
            self.trace.append(f"process {number} starts again")
            self.tally.restarts += 1
            await self.pair.restart(number)
        await self._visit()
        await self.settle()

    async def shorten(self) -> None:
        """Somebody who sleeps has a number from before the log, mostly."""
        await self.wander()
        for _ in range(self.chance.choice([1, 4, 8])):
            await self._one_deed()
        until = self.chance.randint(self.oracle.floor, self.oracle.head)
        self.trace.append(f"the log begins behind {until}")
        await Compaction(self.pair.witness.services.database).compact(self.oracle.workspace_id, until)
        await self.looked()
        self.tally.shortened += 1
        for reader in self.readers:
            await reader.settle(awake=self.chance.random() < 0.5)

    async def finish(self) -> None:
        """Who slept wakes up, and everybody begins anew."""
        for reader in self.readers:
            await reader.settle(awake=True)
        for reader in self.readers:
            await reader.leave()
            reader.live, reader.replica = False, None
            await reader.settle(awake=True)
        self.tally.settled += 2 * len(self.readers)

    async def _visit(self) -> None:
        """A new link to a project, which somebody opens."""
        shared = [one for one in self.oracle.of_kind("project") if one["visibility"] == "link"]
        if not shared or len(self.readers) >= MOST_READERS:
            return
        project = self.chance.choice(shared)
        owner = self.pair.client(0, self._tokens[0], self._base)
        body = {"name": self.choose.canary(), "role": "commenter"}
        link = ok(await owner.post(f"/projects/{project['_id']}/links", body), 201)
        visit = ok(await owner.at("").as_(None).post("/api/v1/auth/visits", {"token": link["token"]}))
        self._join(f"visitor {len(self.readers)}", visit["access_token"], Wish())
        self._tokens.append(visit["access_token"])
        self.trace.append(f"a visitor of {project['key']}")
        await self.looked()

    # --- writes

    async def _one_deed(self) -> None:
        await self._do(deeds.make_up(self.choose, self._makers))
        await self.looked()

    async def _do(self, deed: Deed) -> None:
        """Mostly by the owner; now and then sent twice, as after a lost answer."""
        token = self.chance.choice([self._tokens[0]] * 2 * len(self._tokens) + self._tokens)
        number, key = self.chance.randrange(2), new_id()
        times = self.chance.choices(["once", "again", "at once"], [8, 2, 1])[0]
        answers = [self._send(self.pair.client(number, token, self._base), deed, key)]
        if times == "at once":
            answers.append(self._send(self.pair.client(1 - number, token, self._base), deed, key))
        told = list(await asyncio.gather(*answers))
        if times == "again":
            told.append(await self._send(self.pair.client(1 - number, token, self._base), deed, key))
        self.tally.deeds += 1
        self.tally.repeats += len(told) - 1
        self._note(deed, key, told)

    async def _send(self, client: Client, deed: Deed, key: str) -> Answer:
        options: dict[str, Any] = {} if deed.body is None else {"json": deed.body}
        return await client.request(deed.method, deed.path, headers={"Idempotency-Key": key}, **options)

    def _note(self, deed: Deed, key: str, told: Sequence[Answer]) -> None:
        statuses = [answer.status_code for answer in told]
        self.trace.append(f"{deed.method} {deed.path} {deed.body}: {statuses}")
        assert max(statuses) < 500, told[-1].text
        assert 400 not in statuses, told[-1].text
        numbers = {answer.headers["pastis-event"] for answer in told if "pastis-event" in answer.headers}
        assert len(numbers) <= 1, f"{deed}: one mutation, events {numbers}"
        if numbers and 201 in statuses:
            self._done[key] = int(min(numbers))


class SyncMachine(RuleBasedStateMachine):
    """`pair` and `tally` are of all worlds; each example is a world of its own."""

    pair: ClassVar[Pair]
    tally: ClassVar[Tally]
    makers: ClassVar[Mapping[str, deeds.Maker]]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.pair, self.tally, self.makers)
        self._number = 0
        self._failed = False

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        # One is enough: Hypothesis would only have it happen again.
        assert not self.tally.first, self.tally.first
        self._step("begin", seed)

    @rule(seed=SEEDS)
    def act(self, seed: int) -> None:
        self._step("act", seed)

    @rule(seed=SEEDS)
    def act_again(self, seed: int) -> None:
        self._step("act", seed)

    @rule(seed=SEEDS)
    def burst(self, seed: int) -> None:
        self._step("burst", seed)

    @rule(seed=SEEDS)
    def wander(self, seed: int) -> None:
        self._step("wander", seed)

    @rule(seed=SEEDS)
    def ask(self, seed: int) -> None:
        self._step("ask", seed)

    @rule(seed=SEEDS)
    def restart(self, seed: int) -> None:
        self._step("restart", seed)

    @rule(seed=SEEDS)
    def shorten(self, seed: int) -> None:
        self._step("shorten", seed)

    @rule(seed=SEEDS)
    def shorten_again(self, seed: int) -> None:
        self._step("shorten", seed)

    def _step(self, name: str, seed: int) -> None:
        # From the number of the step too, as Hypothesis likes to draw the same again.
        self.world.chance = Random(f"{seed}/{self._number}")
        if name != "begin":
            self.world.choose.chance = self.world.chance
        self.world.trace.append(f"--- {self._number}: {name}")
        self._number += 1
        try:
            self.pair.run(getattr(self.world, name)())
        except Exception as error:
            self._failed = True
            self.tally.first = "\n".join([*self.world.trace, repr(error)])
            raise
        self.tally.steps += 1

    def teardown(self) -> None:
        if not self._failed and self._number:
            self._step("finish", 0)
        self.pair.run(self.world.close())


def machine_of(
    pair: Pair, tally: Tally, makers: Mapping[str, deeds.Maker] = deeds.DEEDS
) -> type[SyncMachine]:
    return type("Machine", (SyncMachine,), {"pair": pair, "tally": tally, "makers": makers})
