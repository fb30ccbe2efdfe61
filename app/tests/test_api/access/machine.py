"""The state machine: what may happen next, chosen by Hypothesis; after each step a handful of questions."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from app.tests.support.clients import ok
from app.tests.test_api.access import links, logins, people, tokens, work
from app.tests.test_api.access.oracle import Member, Workspace
from app.tests.test_api.access.play import Maker, Play, Tally
from app.tests.test_api.access.processes import Processes
from app.tests.test_api.access.questions import need

Act = Callable[[Play], Awaitable[bool]]
SEEDS = st.integers(0, 2**32 - 1)
FEW_LOGINS = 4
"""With fewer, people mostly log in again."""
CHANGES: tuple[Maker, ...] = (
    *(people.create_membership, people.update_membership, people.delete_membership),
    people.create_service_account,
    *(people.create_team, people.create_team_member, people.delete_team_member, people.delete_team),
    *(people.create_role, people.update_role, people.delete_role),
    *(people.create_grant, people.update_grant, people.delete_grant),
    *(work.create_project, work.update_project),
    *(links.create_link, links.update_link, links.delete_link),
    *(work.create_task, work.update_task, work.move_task, work.put_away_task),
    *(work.create_comment, work.update_comment, work.delete_comment),
)
LOGINS: tuple[Act, ...] = (
    *(logins.create_account, logins.log_in, logins.refresh, logins.refresh_living, logins.log_out),
    *(logins.revoke, logins.revoke_others, logins.change_password, logins.reset_password),
    *(logins.reauthenticate, logins.deactivate, logins.activate, logins.delete_account, logins.wait),
    *(tokens.create_my_token, tokens.delete_my_token),
    *(tokens.create_service_token, tokens.delete_service_token),
    links.open_link,
)
_BEGINNING: Mapping[Maker, int] = {
    people.create_membership: 8,
    people.create_role: 2,
    work.create_project: 5,
    people.create_team: 2,
    people.create_grant: 4,
    work.create_task: 6,
    work.create_comment: 3,
}


class AccessMachine(RuleBasedStateMachine):
    """`processes` and `tally` are of all worlds; each example is a world of its own."""

    processes: ClassVar[Processes]
    tally: ClassVar[Tally]
    acts: ClassVar[Sequence[Act]]

    def __init__(self) -> None:
        super().__init__()
        self.play = Play(self.processes, self.tally)
        self._number = 0

    @initialize(seed=SEEDS)
    def begin(self, seed: int) -> None:
        # One is enough: Hypothesis would only have it happen again.
        need(not self.tally.first, self.tally.first)
        self.play.choose.chance = Random(seed)
        self.processes.run(begin(self.play))

    def step(self, act: Act, seed: int) -> None:
        self._number += 1
        self.play.choose.chance = Random(f"{seed}/{self._number}")
        self.play.trace.append(f"--- {self._number}: {getattr(act, '__name__', act)}")
        self.processes.run(take_step(self.play, act, self.acts))
        self.tally.steps += 1

    def teardown(self) -> None:
        self.processes.run(self.play.close())


async def begin(play: Play) -> None:
    """Two workspaces with something of everything."""
    for _ in range(6):
        await logins.create_account(play)
    for number, account in enumerate(list(play.oracle.accounts.values())):
        process = await play.wire.process(number % 2)
        tokens = await process.services.sessions.open(account.id, remember_me=True, client="tests")
        login = await logins.opened(play, account, tokens.access_token, tokens.refresh_token, remember=True)
        if number < 2:
            await found_workspace(play, login.access, f"{play.canaries.prefix}{number}")
    for make, times in _BEGINNING.items():
        for _ in range(times):
            await play.do(make)


async def found_workspace(play: Play, token: str, slug: str) -> None:
    body = {"slug": slug, "name": "Fluid"}
    made = ok(await play.send("POST", "/workspaces", token, json=body), 201)
    workspace = play.oracle.workspaces[made["id"]] = Workspace(made["id"], slug)
    me = ok(await play.send("GET", f"/workspaces/{slug}/memberships", token))["items"][0]
    play.oracle.members[me["id"]] = Member(me["id"], workspace.id, me["user_id"], "owner")


async def take_step(play: Play, act: Act, acts: Sequence[Act]) -> None:
    """What cannot be done, as there is nothing that it could be done to, makes place for something else."""
    play.forward(1)
    if len(play.living()) < FEW_LOGINS and play.choose.often(0.6):
        act = play.choose.chance.choice([logins.log_in, logins.log_in, logins.refresh_living])
    while not await act(play):
        act = play.choose.chance.choice(acts)
    for _ in range(play.choose.chance.randint(3, 6)):
        if play.choose.often(0.12):
            await logins.look_at_account(play)
        else:
            await play.check(CHANGES)


def _doing(make: Maker) -> Act:
    async def act(play: Play) -> bool:
        return await play.do(make)

    act.__name__ = make.__name__
    return act


def _rule(act: Act) -> Any:
    def step(self: AccessMachine, seed: int) -> None:
        self.step(act, seed)

    step.__name__ = step.__qualname__ = act.__name__
    return rule(seed=SEEDS)(step)


ACTS: tuple[Act, ...] = (*map(_doing, CHANGES), *LOGINS)


def machine_of(processes: Processes, tally: Tally, acts: Sequence[Act] = ACTS) -> type[AccessMachine]:
    """The machine in which these may happen."""

    async def act(play: Play) -> bool:
        # Hypothesis tries the first rule alone before it mixes them.
        return await play.choose.chance.choice(acts)(play)

    rules = {one.__name__: _rule(one) for one in (act, *acts)}
    members = {"processes": processes, "tally": tally, "acts": acts, **rules}
    return type("Machine", (AccessMachine,), members)


def named(*names: str) -> Sequence[Act]:
    """Just these of all that may happen; time goes on in any case, and people log in again."""
    wanted = {*names, "log_in", "refresh_living", "wait"}
    return [one for one in ACTS if getattr(one, "__name__", "") in wanted]
