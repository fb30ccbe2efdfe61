"""Whether the time of an answer tells what the answer hides: each question in both its forms, by turns.

Nothing here passes or fails by the clock. `odds` is the chance that an answer of the one form takes longer
than one of the other, as in the test of Mann and Whitney: 0.5 where time tells nothing, 1 where it tells all.
"""

import asyncio
import itertools
import json
import random
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from app.models.projects import Visibility
from app.models.users import User
from app.schemas.comments import CommentCreate
from app.schemas.memberships import MembershipCreate
from app.schemas.projects import ProjectCreate
from app.schemas.tasks import TaskCreate
from app.schemas.workspaces import WorkspaceCreate
from app.services.bootstrap import Services
from app.services.comments import CommentEngine
from app.services.memberships import MembershipEngine
from app.services.projects import ProjectEngine
from app.services.tasks import TaskEngine
from app.services.workspaces import create_workspace
from app.utils.ids import new_id
from benchmarks import load
from benchmarks.processes import serving
from benchmarks.seed import DESCRIPTION, Seed

ACCOUNTS = 60
ATTEMPTS = 5
"""For each account: one more in a minute would be refused."""
PASSWORD = "correct horse battery"

Requests = Mapping[str, Callable[[], bytes]]


@dataclass(frozen=True)
class Scene:
    """What a member of a workspace may not see: of it, and of another one. And addresses of accounts."""

    workspace: str
    token: str
    hidden: dict[str, str]
    foreign: dict[str, str]
    known: list[str]


async def set_up(services: Services, made: Seed) -> Scene:
    owner = await services.users.create("owner@elsewhere.example", "Colin Clark", PASSWORD)
    account = services.access.account_of(owner, {})
    elsewhere = (await create_workspace(account, WorkspaceCreate(slug="elsewhere", name="Elsewhere"))).value
    foreign = await _things(services, owner, elsewhere.id, Visibility.WORKSPACE)

    bench = await services.users.find_by_email("bench@fluid.example")
    member = await services.users.create("member@fluid.example", "Anastasia Cheetham", PASSWORD)
    assert bench is not None
    scope = await services.access.act_for(bench, made.workspace_id, {})
    await MembershipEngine(scope, services.users).create(MembershipCreate(email=member.email))
    hidden = await _things(services, bench, made.workspace_id, Visibility.PRIVATE)

    known = [f"person{number}@fluid.example" for number in range(ACCOUNTS)]
    for email in known:
        await services.users.create(email, "Justin Obara", PASSWORD)
    token = (await services.sessions.open(member.id, remember_me=True, client="bench")).access_token
    return Scene(made.slug, token, hidden, {**foreign, "workspace": elsewhere.id}, known)


async def _things(
    services: Services, owner: User, workspace_id: str, visibility: Visibility
) -> dict[str, str]:
    """A project with a task with a comment."""
    scope = await services.access.act_for(owner, workspace_id, {})
    data = ProjectCreate(key="SECRET", name="Secret", visibility=visibility)
    project = (await ProjectEngine(scope).create(data)).value
    scope = await services.access.act_for(owner, workspace_id, {})  # which knows the project
    task = TaskCreate(project_id=project.id, title="Focus is lost", description=DESCRIPTION)
    task_id = (await TaskEngine(scope).create(task)).value.id
    comment = (await CommentEngine(scope).create(task_id, CommentCreate(body="Fixed in r10241."))).value
    return {"project": project.id, "task": task_id, "comment": comment.id}


async def timing(scene: Scene, environment: dict[str, str], *, rounds: int) -> dict[str, Any]:
    """For each question the quartiles of both forms, in milliseconds, and the odds."""
    # Each attempt at a password comes from a network of its own, as from somebody behind a proxy.
    behind = {"PASTIS_TRUSTED_PROXIES": "127.0.0.0/8"}
    with serving("pastis", environment | behind) as (port, _):
        found = await _ask(port, _reads(scene), rounds, 404)
        login = _by_address(scene, "/auth/login", {"password": "wrong, whoever asks"})
        found |= await _ask(port, login, ACCOUNTS * ATTEMPTS, 401)
        reset = _by_address(scene, "/password-resets", {})
        found |= await _ask(port, reset, ACCOUNTS * ATTEMPTS, 202)
    return {name: _compared(times) for name, times in found.items()}


def _reads(scene: Scene) -> dict[str, Requests]:
    base = f"/api/v1/workspaces/{scene.workspace}"

    def get(path: str) -> Callable[[], bytes]:
        request = load.request("GET", path, scene.token)
        return lambda: request

    def three(path: str, *names: str) -> Requests:
        absent = {name: new_id() for name in names}
        ids = {"absent": absent, "hidden": scene.hidden, "foreign": scene.foreign}
        return {form: get(base + path.format(**of_form)) for form, of_form in ids.items()}

    elsewhere = "/api/v1/workspaces/{}"
    return {
        "task": three("/tasks/{task}", "task"),
        "project": three("/projects/{project}", "project"),
        "comment": three("/tasks/{task}/comments/{comment}", "task", "comment"),
        "workspace": {
            "absent": get(elsewhere.format(new_id())),
            "foreign": get(elsewhere.format(scene.foreign["workspace"])),
        },
    }


def _by_address(scene: Scene, path: str, more: dict[str, str]) -> dict[str, Requests]:
    def post(emails: Iterator[str]) -> Callable[[], bytes]:
        def request() -> bytes:
            body = json.dumps({"email": next(emails), **more}).encode()
            network = f"2001:db8:{random.randrange(1 << 16):x}:{random.randrange(1 << 16):x}::1"
            return load.request("POST", f"/api/v1{path}", body=body, forwarded_for=network)

        return request

    unknown = [email.replace("person", "nobody") for email in scene.known]
    return {
        path: {
            "unknown": post(itertools.cycle(unknown)),
            "known": post(itertools.cycle(scene.known)),
        }
    }


async def _ask(
    port: int, questions: dict[str, Requests], rounds: int, status: int
) -> dict[str, dict[str, list[float]]]:
    """Every form of every question once a round, in an order that chance decides; all have this status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    asked = [(name, form, make) for name, forms in questions.items() for form, make in forms.items()]
    times: dict[str, dict[str, list[float]]] = {
        name: {form: [] for form in forms} for name, forms in questions.items()
    }
    for _ in range(rounds):
        random.shuffle(asked)
        for name, form, make in asked:
            request = make()
            began = perf_counter()
            writer.write(request)
            answered = await _answer(reader)
            times[name][form].append(perf_counter() - began)
            if answered != status:
                raise SystemExit(f"{name}, {form}: {answered} instead of {status}")
    writer.close()
    return times


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read it to its end; gives its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(load.length(head))
    return int(head[9:12])


def _compared(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Each form beside the first."""
    first = next(iter(times.values()))
    return {form: _described(found) | {"odds": odds(found, first)} for form, found in times.items()}


def _described(times: list[float]) -> dict[str, float]:
    low, median, high = (1e3 * quartile for quartile in statistics.quantiles(times, n=4))
    return {"count": len(times), "q1_ms": low, "median_ms": median, "q3_ms": high}


def odds(times: list[float], others: list[float]) -> float:
    """The chance that one of these is longer than one of the others; equal ones count half."""
    ordered = sorted(others)
    below = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in times)
    return below / 2 / len(times) / len(others)


def show(found: dict[str, dict[str, dict[str, float]]]) -> None:
    print(f"\n{'does time tell?':18}{'':10}{'q1 ms':>9}{'median':>9}{'q3 ms':>9}{'odds':>9}{'count':>8}")
    for name, forms in found.items():
        for form, row in forms.items():
            print(
                f"{name:18}{form:10}{row['q1_ms']:9.3f}{row['median_ms']:9.3f}{row['q3_ms']:9.3f}"
                f"{row['odds']:9.3f}{row['count']:8.0f}"
            )
