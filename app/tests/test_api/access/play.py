"""One world: two workspaces, the people in them, and the oracle that follows all that is done."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from app.tests.support.clients import Answer, ok
from app.tests.test_api.access.oracle import Account, Actor, Caller, Login, Oracle, Visit, Workspace
from app.tests.test_api.access.processes import Processes, Wire
from app.tests.test_api.access.questions import Canaries, Chooser, MismatchError, Question, Refusals
from app.tests.test_api.access.reads import READS

Maker = Callable[[Chooser, Workspace], Question | None]
_CANARY = re.compile(r"canary-[0-9a-f]+-\d+x")
_OUTCOMES = {
    401: "unauthenticated",
    403: "denied",
    404: "hidden",
    409: "conflicts",
    410: "shut links",
    422: "invalid",
}
NOBODY = "tokens-of-nobody"


@dataclass
class Tally:
    steps: int = 0
    checks: int = 0
    mismatches: int = 0
    first: str = ""
    """What led to the first of them, and what it is."""
    outcomes: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def count(self, name: str, status: int) -> None:
        self.checks += 1
        self.asked[name] += 1
        self.outcomes["allowed" if status < 300 else _OUTCOMES.get(status, str(status))] += 1

    def lines(self) -> list[str]:
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.outcomes.items()))
        return [f"{self.steps} steps, {self.checks} checks: {told}", f"{self.mismatches} mismatches"]


class Play:
    def __init__(self, processes: Processes, tally: Tally) -> None:
        self.clock = processes.clock
        self.oracle = Oracle(self.clock.time)
        self.canaries = Canaries()
        self.choose = Chooser(self.oracle, self.canaries)
        self.tally = tally
        self.trace: list[str] = []
        # Whoever guesses in one world is not counted in the next.
        self.wire = Wire(processes, f"2001:db8:{token_hex(2)}:{token_hex(2)}::1")

    def forward(self, seconds: float) -> None:
        before = self.oracle.now
        self.oracle.now = self.clock.forward(seconds)
        if any(before < end <= self.oracle.now for end in self.oracle.ends()):
            self.wire.forget()  # what one has looked up counts for a second more

    def mismatch(self, what: str) -> MismatchError:
        self.tally.mismatches += 1
        self.tally.first = "\n".join([*self.trace[-60:], what])
        return MismatchError(self.tally.first)

    def need(self, condition: bool, what: str) -> None:
        if not condition:
            raise self.mismatch(what)

    # --- requests

    async def send(self, method: str, path: str, token: str | None = None, **options: Any) -> Answer:
        number = self.choose.chance.randrange(2)
        answer = await self.wire.send(number, method, path, token, **options)
        said = f"{method} {path} {options or ''} by {self.who(token)} in {number}: {answer.status_code}"
        self.trace.append(said)
        return answer

    def who(self, token: str | None) -> str:
        caller = self.oracle.caller_of(token)
        if caller is None:
            return "nobody" if token is None else "a dead token"
        if isinstance(caller, Visit):
            return "a visitor"
        name = "a service" if caller.account is None else caller.account.email.partition("@")[0][-6:]
        return name if isinstance(caller, Login) else f"{name} with a token"

    async def expect(
        self, name: str, statuses: Refusals, method: str, path: str, token: str | None, **options: Any
    ) -> Answer:
        """Send a request; no status means that it must succeed."""
        answer = await self.send(method, path, token, **options)
        self.tally.count(name, answer.status_code)
        fits = answer.status_code in statuses if statuses else answer.is_success
        self.need(
            fits, f"{name} gives {answer.status_code} in place of {sorted(statuses)}: {answer.text[:600]}"
        )
        return answer

    # --- questions

    async def ask(self, question: Question, token: str | None, *, real: bool = False) -> Answer:
        """Ask, and hold what comes against the oracle. What is not `real` is only tried, with `dry_run`."""
        caller = self.oracle.caller_of(token)
        actor = None if caller is None else self.oracle.enter(caller, question.workspace.id)
        expected = self._expected(question, caller, actor)
        options: dict[str, Any] = {"params": dict(question.params)}
        if question.body is not None:
            options["json"] = question.body
        if question.method != "GET" and not real:
            options["params"]["dry_run"] = "true"
        ref = self.choose.chance.choice([question.workspace.id, question.workspace.slug])
        path = f"/workspaces/{ref}{question.path}"
        if question.ids is not None:
            options["params"]["limit"] = self.choose.chance.choice([3, 50, 200, 200])
        answer = await self.expect(question.name, expected, question.method, path, token, **options)
        hidden = self._hidden(question, actor, answer)
        if answer.is_success and actor is not None:
            await self._look(question, actor, answer, path, token, options)
            if real:
                await self._done(question, actor, answer)
        # Before or after what was done, whoever asked may see each thing whose words are in the answer.
        hidden &= self._hidden(question, actor, answer)
        self.need(not hidden, f"{question.name} tells {self._things(hidden)}: {answer.text[:3000]}")
        return answer

    async def _done(self, question: Question, actor: Actor, answer: Answer) -> None:
        if question.apply is not None:
            question.apply(actor, _json(answer))
        if question.body is not None:
            self._plant(question, answer)
        await self._learn_grants(actor)

    @staticmethod
    def _expected(question: Question, caller: Caller | None, actor: Actor | None) -> Refusals:
        if caller is None:
            return frozenset({401})
        return frozenset({404}) if actor is None else question.judge(actor)

    async def _look(
        self, question: Question, actor: Actor, answer: Answer, path: str, token: str | None, options: Any
    ) -> None:
        try:
            if question.look is not None:
                question.look(actor, _json(answer))
        except MismatchError as error:
            raise self.mismatch(f"{question.name}: {error}, not {answer.text[:3000]}") from error
        if question.ids is not None:
            found = await self._all(path, token, answer, options)
            wanted = sorted(question.ids(actor))
            self.need(sorted(found) == wanted, f"{question.name} shows {sorted(found)} in place of {wanted}")

    async def _all(self, path: str, token: str | None, answer: Answer, options: Any) -> list[str]:
        """The ids of a list, over all of its pages."""
        ids: list[str] = []
        while True:
            self.need(answer.is_success, f"a page gives {answer.text[:600]}")
            page = answer.json()
            ids += [one["id"] for one in page["items"]]
            if page["next_cursor"] is None:
                return ids
            params = options["params"] | {"cursor": page["next_cursor"]}
            answer = await self.send("GET", path, token, params=params)

    async def _learn_grants(self, actor: Actor) -> None:
        """Who may make projects and is no admin leads them by a grant, whose id no answer has told yet."""
        for grant in [one for one in self.oracle.grants.values() if one.id.startswith("of-")]:
            path = f"/workspaces/{actor.member.workspace}/projects/{grant.project}/grants"
            items = ok(await self.send("GET", path, actor.caller.access))["items"]
            self.need(len(items) == 1, f"a new project has the grants {items}")
            del self.oracle.grants[grant.id]
            grant.id = items[0]["id"]
            self.oracle.grants[grant.id] = grant

    def _plant(self, question: Question, answer: Answer) -> None:
        noun = question.name.rpartition("_")[2]
        made = _json(answer)
        if question.body is not None and made is not None and noun in _SEEN:
            self.canaries.plant(question.body, noun, made["id"])

    # --- words that only some may read

    def _hidden(self, question: Question, actor: Actor | None, answer: Answer) -> set[str]:
        """The words of an answer whose things whoever asked may not see now."""

        def may(kind: str, id_: str) -> bool:
            named = answer.is_success and (kind, id_) == question.names
            seen = actor is not None and _SEEN[kind](self.oracle, actor, id_, question.history)
            return named or seen

        return self.hidden(answer, may) - set(_CANARY.findall(str(question.body)))

    def hidden(self, answer: Answer, may: Callable[[str, str], bool]) -> set[str]:
        words = set(_CANARY.findall(answer.text))
        known = self.canaries.of
        return {word for word in words if word not in known or not may(*known[word])}

    def _things(self, words: set[str]) -> list[tuple[str, tuple[str, str] | None]]:
        return [(word, self.canaries.of.get(word)) for word in words]

    # --- steps

    def tokens(self) -> list[str]:
        """Every token that was handed out for requests, dead or alive."""
        logins = [one for login in self.oracle.logins for one in (login.access, login.former_access) if one]
        others: tuple[Caller, ...] = (*self.oracle.tokens, *self.oracle.visits)
        return [*logins, *(one.access for one in others)]

    def living_callers(self) -> list[Caller]:
        oracle = self.oracle
        others: tuple[Caller, ...] = (*oracle.tokens, *oracle.visits)
        return [*self.living(), *(one for one in others if oracle.caller_of(one.access))]

    def living(self, account: Account | None = None) -> list[Login]:
        """The logins that live, whose access token does, too."""
        logins = (one for one in self.oracle.logins if account is None or one.account is account)
        return [one for one in logins if self.oracle.lives(one) and self.oracle.now < one.access_ends]

    async def do(self, make: Maker) -> bool:
        """Have somebody do something: mostly who may."""
        question = make(self.choose, self.choose.workspace())
        if question is None:
            return False
        callers = self.living_callers()
        self.choose.chance.shuffle(callers)
        if self.choose.often(0.75):
            callers.sort(key=lambda one: bool(self._refusals(question, one)))
        # Before anybody is logged in again, somebody tries what has ended.
        token = callers[0].access if callers else self.choose.one(self.tokens())
        await self.ask(question, token, real=True)
        return True

    def _refusals(self, question: Question, caller: Caller) -> Refusals:
        return self._expected(question, caller, self.oracle.enter(caller, question.workspace.id))

    async def check(self, writers: Sequence[Maker]) -> None:
        """Ask something of a workspace as anybody who ever had a token; changes are only tried."""
        living = [one.access for one in self.living_callers()]
        tokens: list[str | None] = [*self.tokens(), NOBODY, None]
        token = self.choose.chance.choice(living if living and self.choose.often(0.85) else tokens)
        make = self.choose.chance.choice(READS if self.choose.often(0.7) else writers)
        question = make(self.choose, self._likely_workspace(token))
        if question is not None:
            await self.ask(question, token)

    def _likely_workspace(self, token: str | None) -> Workspace:
        """Mostly one that lets this token in."""
        caller = self.oracle.caller_of(token)
        own = [one for one in self.oracle.workspaces.values() if caller and self.oracle.enter(caller, one.id)]
        return self.choose.chance.choice(own) if own and self.choose.often(0.9) else self.choose.workspace()

    async def close(self) -> None:
        await self.wire.close()


def _json(answer: Answer) -> Any:
    return answer.json() if answer.content else None


def _sees_project(oracle: Oracle, actor: Actor, id_: str, history: bool) -> bool:
    return oracle.has(actor, "project:read", oracle.projects[id_])


def _sees_task(oracle: Oracle, actor: Actor, id_: str, history: bool) -> bool:
    task = oracle.tasks[id_]
    # What happened in a project is told to who sees the project, also of a task that has left it.
    projects = task.been if history else {task.project}
    return any(oracle.has(actor, "task:read", oracle.projects[one]) for one in projects)


def _sees_comment(oracle: Oracle, actor: Actor, id_: str, history: bool) -> bool:
    comment = oracle.comments.get(id_) or (oracle.deleted.get(id_) if history else None)
    return comment is not None and oracle.sees_comment(actor, comment)


def _sees_team(oracle: Oracle, actor: Actor, id_: str, history: bool) -> bool:
    there = history or id_ in oracle.teams
    return there and "team:read" in oracle.own(actor)


def _sees_role(oracle: Oracle, actor: Actor, id_: str, history: bool) -> bool:
    there = history or id_ in oracle.roles
    return there and "role:read" in oracle.own(actor)


def _sees_account(oracle: Oracle, actor: Actor, id_: str, history: bool) -> bool:
    """The name of a person, which every membership has."""
    people = [one for one in oracle.members.values() if one.account == id_]
    opened = any(one.visibility != "private" for one in oracle.seen_projects(actor))
    return any(oracle.sees_member(actor, one) for one in people) or (history and opened and bool(people))


_SEEN: dict[str, Callable[[Oracle, Actor, str, bool], bool]] = {
    "account": _sees_account,
    "comment": _sees_comment,
    "project": _sees_project,
    "role": _sees_role,
    "task": _sees_task,
    "team": _sees_team,
}
