"""Clients that write at random, and repeat each request until they are told what became of it."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from time import monotonic

import httpx2

from app.utils.ids import new_id
from chaos.ledger import Answer, Doc, Ledger, Request

TIMEOUT_SECONDS = 8.0
"""Longer than the API waits for its database, so that clients see what it says then."""
PATIENCE_SECONDS = 90.0
"""How long after its last request's first attempt a client goes on asking."""
_PAUSE_SECONDS = 0.05
_PROBLEM = "application/problem+json"
_WEIGHTS = {
    "create": 25,
    "patch": 32,
    "rank": 15,
    "comment": 12,
    "label": 4,
    "move": 6,
    "trash": 3,
    "restore": 3,
}
PRIORITIES = ("none", "low", "medium", "high", "urgent")


@dataclass
class Arena:
    """What all clients of a round know of the workspace that they write to."""

    projects: list[str]
    tasks: dict[str, str] = field(default_factory=dict)
    """The project of each task."""
    trashed: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)

    def learn(self, request: Request, body: Doc) -> None:
        """Let the others work on what came out of a request."""
        if request.verb == "label":
            self.labels.append(body["id"])
        elif request.verb != "comment":
            self.tasks[body["id"]] = body["project_id"]
            if request.verb == "trash":
                self.trashed.append(body["id"])


class Client:
    """One writer over HTTP: never more than one request under way."""

    def __init__(self, http: httpx2.AsyncClient, arena: Arena, ledger: Ledger, chance: random.Random) -> None:
        """`http` has the workspace as its base and carries the login."""
        self._http = http
        self._arena = arena
        self._ledger = ledger
        self._chance = chance

    async def write_until(self, is_over: Callable[[], bool], pause: float = 0.0) -> None:
        """With about so many seconds between two writes."""
        while not is_over():
            await self.write()
            await asyncio.sleep(self._chance.uniform(0.5, 1.5) * pause)

    async def write(self) -> None:
        """Make up one request and bring it to an answer; notes a fault where there never is one."""
        request = self._make_up()
        begun = monotonic()
        attempts = 0
        while monotonic() - begun < PATIENCE_SECONDS:
            attempts += 1
            answer = await self._send(request)
            self._note(answer)
            if answer is not None and answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                self._settle(request, answer, attempts)
                return
            self._ledger.retries += 1
            await asyncio.sleep(_PAUSE_SECONDS if answer is None else self._read_pause(request, answer))
        self._fault(request, f"no answer after {PATIENCE_SECONDS:.0f} s and {attempts} attempts")

    async def _send(self, request: Request) -> httpx2.Response | None:
        """The answer, or None where the connection or the time ended before it came."""
        try:
            return await self._http.request(
                request.method, request.path, json=request.body, headers={"Idempotency-Key": request.key}
            )
        except httpx2.TransportError:
            return None

    def _note(self, answer: httpx2.Response | None) -> None:
        if answer is None:
            self._ledger.told["no answer"] += 1
        elif not answer.is_success:
            known = answer.headers.get("content-type") == _PROBLEM
            code = answer.json()["code"] if known else "no problem document"
            self._ledger.told[f"{answer.status_code} {code}"] += 1

    def _read_pause(self, request: Request, answer: httpx2.Response) -> float:
        """How long a 503 asks to wait. Any other error of the server is a fault."""
        told = answer.headers.get("retry-after", "")
        problem = answer.headers.get("content-type") == _PROBLEM
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and told.isdecimal() and problem:
            self._ledger.unavailable += 1
            return self._chance.uniform(0.1, 1.0) * int(told)
        self._fault(request, f"{answer.status_code} {answer.text[:300]}")
        return 1.0

    def _settle(self, request: Request, answer: httpx2.Response, attempts: int) -> None:
        replayed = answer.headers.get("idempotency-replayed") == "true"
        told = Answer(request, answer.status_code, answer.json(), attempts, monotonic(), replayed)
        if answer.is_success:
            self._ledger.acknowledged.append(told)
            self._arena.learn(request, told.body)
            return
        self._ledger.refused.append(told)
        if not _may_refuse(request, told):
            self._fault(request, f"{answer.status_code} {answer.text[:300]}")

    def _fault(self, request: Request, what: str) -> None:
        self._ledger.faults.append(f"{request.verb} {request.path} ({request.key}): {what}")

    def _make_up(self) -> Request:
        verbs = list(_WEIGHTS)
        if not self._arena.trashed:
            verbs.remove("restore")
        verb = self._chance.choices(verbs, [_WEIGHTS[one] for one in verbs])[0]
        request: Request = getattr(self, f"_{verb}")(new_id())
        return request

    def _task(self) -> str:
        return self._chance.choice(list(self._arena.tasks))

    def _text(self, what: str) -> str:
        return f"{what} {next(self._arena.numbers)}"

    def _create(self, key: str) -> Request:
        body = {"title": self._text("Focus is lost in dialog"), "priority": self._chance.choice(PRIORITIES)}
        project = self._chance.choice(self._arena.projects)
        return Request("create", "POST", "/tasks", {**body, "project_id": project}, key, body)

    def _patch(self, key: str) -> Request:
        body: Doc = {"title": self._text("Uploader: progress is not announced")}
        if self._arena.labels and self._chance.random() < 0.3:
            body["label_ids"] = [self._chance.choice(self._arena.labels)]
        if self._chance.random() < 0.3:
            body["priority"] = self._chance.choice(PRIORITIES)
        return Request("patch", "PATCH", f"/tasks/{self._task()}", body, key, body)

    def _rank(self, key: str) -> Request:
        task = self._task()
        beside = [id_ for id_, project in self._arena.tasks.items() if project == self._arena.tasks[task]]
        place = self._chance.choice(("after_id", "before_id"))
        body = {place: self._chance.choice(beside)}
        return Request("rank", "POST", f"/tasks/{task}/rank", body, key, {"id": task})

    def _comment(self, key: str) -> Request:
        body = {"body": self._text("Fixed in r")}
        return Request("comment", "POST", f"/tasks/{self._task()}/comments", body, key, body)

    def _label(self, key: str) -> Request:
        body = {"name": self._text("Accessibility")}
        return Request("label", "POST", "/labels", body, key, body)

    def _move(self, key: str) -> Request:
        task = self._task()
        body = {"project_id": self._chance.choice(self._arena.projects)}
        return Request("move", "POST", f"/tasks/{task}/move", body, key, body)

    def _trash(self, key: str) -> Request:
        return Request("trash", "DELETE", f"/tasks/{self._task()}", None, key, {})

    def _restore(self, key: str) -> Request:
        task = self._arena.trashed.pop(self._chance.randrange(len(self._arena.trashed)))
        return Request("restore", "POST", f"/tasks/{task}/restore", None, key, {"trashed_at": None})


def _may_refuse(request: Request, answer: Answer) -> bool:
    """Whether another client's write explains it: the task is in the trash, its neighbour has moved."""
    code = answer.body.get("code")
    return code == "trashed" or (code == "not_found" and request.verb == "rank")
