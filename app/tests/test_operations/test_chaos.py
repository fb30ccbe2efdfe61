"""Acknowledged writes outlive killed processes: `make chaos` in short, and the proof that it can fail."""

import random
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.core.database.engine import Database
from app.core.log import Event, Head
from app.models.comments import Comment
from app.models.tasks import Task
from app.services.bootstrap import Services
from app.tests.support.factories import Workspace
from chaos import clients
from chaos.clients import Arena, Client
from chaos.ledger import Answer, Ledger, Request
from chaos.rounds import Kill, Plan, Round, play
from chaos.service import Service
from chaos.verify import Findings, answer_flaws, sequence_flaws, verify
from chaos.writes import line, summary

pytestmark = pytest.mark.anyio

Doctor = Callable[[Database, str, Ledger], Awaitable[None]]
WRITES = 120
FEW = 10
"""How many writes prove something: a busy machine takes seconds to start a process again."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    # Each database reserves 300 MB, which pytest would keep for several runs.
    shutil.rmtree(tmp_path)


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def no_server_lives(folder: Path) -> bool:
    return not Service(folder, 1.0)._server_lives()


async def test_no_acknowledged_write_is_lost_when_the_api_is_killed(folder: Path) -> None:
    plan = Plan(seconds=4.0, clients=8, kill=Kill.API)
    played = await play(plan, 1, folder, random.Random())
    assert played.violations == []
    assert len(played.ledger.acknowledged) > FEW
    assert played.findings.events > FEW
    assert 0 < played.silence < 30
    assert no_server_lives(folder)
    assert line(played).endswith(": 0 violations")


async def test_no_acknowledged_write_is_lost_when_the_database_is_killed(folder: Path) -> None:
    """The API says that it is not ready, tells clients to come back, and recovers by itself."""
    plan = Plan(seconds=5.0, clients=8, kill=Kill.DATABASE, away=2.5, database_timeout=0.5)
    played = await play(plan, 1, folder, random.Random())
    assert played.violations == []
    assert played.ledger.unavailable > 0
    assert {status for _, status in played.readiness} == {503}
    assert len(played.ledger.acknowledged) > FEW
    assert no_server_lives(folder)


async def test_a_round_that_fails_leaves_no_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("no workspace today")

    pids: list[int] = []
    spawn = Service._spawn

    def note(service: Service) -> Any:
        process = spawn(service)
        pids.append(process.pid)
        return process

    monkeypatch.setattr("chaos.rounds.prepare", fail)
    monkeypatch.setattr(Service, "_spawn", note)
    with pytest.raises(RuntimeError, match="no workspace today"):
        await play(Plan(seconds=1.0), 1, folder, random.Random())
    assert [is_there(pid) for pid in pids] == [False]
    assert no_server_lives(folder)


@pytest.fixture
async def told(app: FastAPI, workspace: Workspace) -> Ledger:
    """What some writes to a workspace were answered."""
    project = (await workspace.api.post("/projects", {"key": "INFRA", "name": "Infrastructure"})).json()
    arena = Arena([workspace.project["id"], project["id"]])
    for _ in range(3):
        task = await workspace.task()
        arena.tasks[task["id"]] = task["project_id"]
    ledger = Ledger()
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url=f"http://pastis.test{workspace.api.base}",
        headers={"Authorization": f"Bearer {workspace.api.token}"},
    ) as http:
        client = Client(http, arena, ledger, random.Random(5))
        for _ in range(WRITES):
            await client.write()
    return ledger


async def test_a_database_that_kept_its_word_has_no_violations(
    services: Services, workspace: Workspace, told: Ledger
) -> None:
    findings = await verify(services.database, workspace.id, told)
    assert findings.violations == []
    assert findings.events > 100
    assert {answer.request.verb for answer in told.acknowledged} == set(clients._WEIGHTS)
    assert len(told.acknowledged) + len(told.refused) == WRITES


def event_of(ledger: Ledger, verb: str) -> Answer:
    return next(answer for answer in ledger.acknowledged if answer.request.verb == verb)


async def lose_an_event(database: Database, workspace_id: str, ledger: Ledger) -> None:
    seq = event_of(ledger, "comment").body["version"]
    await database.collection(Event).delete_one({"_id": f"{workspace_id}:{seq}"})


async def lose_the_last_event(database: Database, workspace_id: str, ledger: Ledger) -> None:
    head = await database.collection(Head).find_one({"_id": workspace_id})
    assert head is not None
    await database.collection(Event).delete_one({"_id": f"{workspace_id}:{head['seq']}"})


async def change_a_document(database: Database, workspace_id: str, ledger: Ledger) -> None:
    id_ = event_of(ledger, "create").body["id"]
    await database.collection(Task).update_one({"_id": id_}, {"$set": {"title": "Something else"}})


async def lose_a_document(database: Database, workspace_id: str, ledger: Ledger) -> None:
    await database.collection(Comment).delete_one({"_id": event_of(ledger, "comment").body["id"]})


async def lose_a_write(database: Database, workspace_id: str, ledger: Ledger) -> None:
    """One that was acknowledged and left nothing behind."""
    answer = event_of(ledger, "create")
    ledger.acknowledged.append(replace(answer, request=replace(answer.request, key="lost")))


async def move_the_head(database: Database, workspace_id: str, ledger: Ledger) -> None:
    await database.collection(Head).update_one({"_id": workspace_id}, {"$inc": {"seq": -1}})


async def do_something_twice(database: Database, workspace_id: str, ledger: Ledger) -> None:
    first, second = ledger.acknowledged[3].request.key, ledger.acknowledged[4].request.key
    query = {"workspace_id": workspace_id, "mutation": second}
    await database.collection(Event).update_one(query, {"$set": {"mutation": first}})


async def do_what_was_refused(database: Database, workspace_id: str, ledger: Ledger) -> None:
    answer = event_of(ledger, "create")
    ledger.acknowledged.remove(answer)
    ledger.refused.append(answer)


async def do_what_nobody_asked_for(database: Database, workspace_id: str, ledger: Ledger) -> None:
    ledger.acknowledged.remove(event_of(ledger, "patch"))


async def tell_something_else(database: Database, workspace_id: str, ledger: Ledger) -> None:
    answer = event_of(ledger, "create")
    ledger.acknowledged.remove(answer)
    body = {**answer.body, "created_at": "2026-11-23T09:30:00.000Z"}
    ledger.acknowledged.append(replace(answer, body=body))


async def tell_another_version(database: Database, workspace_id: str, ledger: Ledger) -> None:
    answer = event_of(ledger, "create")
    ledger.acknowledged.remove(answer)
    ledger.acknowledged.append(replace(answer, body={**answer.body, "version": 10**6}))


async def do_half_of_it(database: Database, workspace_id: str, ledger: Ledger) -> None:
    answer = event_of(ledger, "create")
    ledger.acknowledged.remove(answer)
    wanted = {**answer.request.wanted, "priority": "a priority"}
    ledger.acknowledged.append(replace(answer, request=replace(answer.request, wanted=wanted)))


@pytest.mark.parametrize(
    ("doctor", "told_so"),
    [
        (lose_an_event, ["sequence: ", "acknowledged and lost", "in the database, not in the log"]),
        (lose_the_last_event, ["sequence: "]),
        (change_a_document, ["title unlike the log"]),
        (lose_a_document, ["in the log, not in the database"]),
        (lose_a_write, ["(lost): acknowledged and lost"]),
        (move_the_head, ["is beyond the head"]),
        (do_something_twice, ["done 2 times"]),
        (do_what_was_refused, ["refused, and done"]),
        (do_what_nobody_asked_for, ["done, and nobody was told"]),
        (tell_something_else, ["acknowledged with another created_at"]),
        (tell_another_version, ["acknowledged version 1000000", "acknowledged as version 1000000"]),
        (do_half_of_it, ["without doing what was asked: priority"]),
    ],
)
async def test_a_broken_word_is_noticed(
    services: Services, workspace: Workspace, told: Ledger, doctor: Doctor, told_so: list[str]
) -> None:
    await doctor(services.database, workspace.id, told)
    violations = (await verify(services.database, workspace.id, told)).violations
    for words in told_so:
        assert [one for one in violations if words in one], violations
    assert f"Violations: {len(violations)}" in summary([Round(Kill.API, findings=Findings(0, 0, violations))])


def test_a_number_that_is_there_twice_is_noticed() -> None:
    assert sequence_flaws([1, 2, 2, 3], 3) == ["sequence: 2 is there 2 times"]
    assert sequence_flaws([1, 2, 3], 3) == []


def test_an_empty_log_keeps_no_promises() -> None:
    request = Request("create", "POST", "/tasks", {}, "a key", {})
    ledger = Ledger([Answer(request, 201, {"id": "x", "version": 4}, 1, 0.0)])
    assert len(answer_flaws([], ledger)) == 2


class Answers:
    """A server that answers as it is told to, in turn."""

    def __init__(self, *answers: httpx2.Response | Exception) -> None:
        self.answers = list(answers)
        self.keys: list[str] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.keys.append(request.headers["idempotency-key"])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def write_to(answers: Answers) -> Ledger:
    ledger = Ledger()
    transport = httpx2.MockTransport(answers)
    async with httpx2.AsyncClient(transport=transport, base_url="http://pastis.test") as http:
        await Client(http, Arena(["p"], {"t": "p"}), ledger, random.Random(1)).write()
    return ledger


def problem(status: int, code: str, **headers: str) -> httpx2.Response:
    kind = {"content-type": "application/problem+json"}
    return httpx2.Response(status, json={"code": code}, headers={**kind, **headers})


async def test_a_client_repeats_the_same_request_until_it_is_answered() -> None:
    done = httpx2.Response(200, json={"id": "t", "project_id": "p", "version": 3})
    unavailable = problem(503, "database_unavailable", **{"retry-after": "0"})
    answers = Answers(httpx2.ReadTimeout("slow"), httpx2.ConnectError("gone"), unavailable, done)
    ledger = await write_to(answers)
    assert len(set(answers.keys)) == 1
    assert (ledger.retries, ledger.unavailable, ledger.faults) == (3, 1, [])
    assert [answer.attempts for answer in ledger.acknowledged] == [4]


@pytest.mark.parametrize(
    "answer",
    [
        problem(401, "invalid_token"),
        problem(404, "not_found"),
        problem(422, "idempotency_key_reused"),
    ],
)
async def test_an_answer_that_should_never_come_is_a_fault(answer: httpx2.Response) -> None:
    ledger = await write_to(Answers(answer))
    assert len(ledger.faults) == 1


@pytest.mark.parametrize(
    "answer", [problem(500, "internal_error"), problem(503, "overloaded"), httpx2.Response(503, text="no")]
)
async def test_an_error_of_the_server_that_is_no_request_to_come_back_is_a_fault(
    answer: httpx2.Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 0.5)
    ledger = await write_to(Answers(answer, problem(409, "trashed")))
    assert len(ledger.faults) == 2


def test_the_longest_silence_is_looked_for_from_the_kill_on() -> None:
    request = Request("create", "POST", "/tasks", {}, "a key", {})
    moments = (0.0, 5.0, 6.0, 8.0, 9.0)
    ledger = Ledger([Answer(request, 201, {}, 1, at) for at in moments])
    assert ledger.longest_silence(6.5) == 2.0
    assert ledger.longest_silence(0.0) == 5.0
    assert Ledger().longest_silence(0.0) == 0.0


@pytest.mark.parametrize(
    ("kill", "kinds"),
    [(Kill.MIXED, {Kill.API, Kill.BOTH}), (Kill.DATABASE, {Kill.DATABASE}), (Kill.BOTH, {Kill.BOTH})],
)
def test_who_is_killed_in_which_round(kill: Kill, kinds: set[Kill]) -> None:
    assert {kill.in_round(number) for number in range(1, 9)} == kinds
