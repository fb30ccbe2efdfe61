"""The fast lane answers as the routes do, or not at all."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from app.api.fast_lane import CALLS, FOLLOW
from app.api.gate import Requires
from app.core.config import Settings
from app.main import create_app
from app.services.access import Access
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

VOLATILE = {"x-request-id", "date"}


@pytest.fixture(scope="module")
def laneless(test_settings: Settings, services: Services) -> FastAPI:
    """The same application without the lane."""
    application = create_app(test_settings)
    others = [one for one in application.user_middleware if "FastLane" not in repr(one)]
    assert len(others) == len(application.user_middleware) - 1
    application.user_middleware = others
    application.state.services = services
    return application


@pytest.fixture
async def slow(laneless: FastAPI) -> AsyncIterator[Client]:
    transport = httpx2.ASGITransport(app=laneless, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://pastis.test") as http:
        yield Client(http)


def seen(answer: httpx2.Response) -> tuple[int, dict[str, str], Any]:
    headers = {name: value for name, value in answer.headers.items() if name not in VOLATILE}
    body = answer.json() if answer.content else None
    if isinstance(body, dict):
        body.pop("request_id", None)
    return answer.status_code, headers, body


async def both(workspace: Workspace, slow: Client, method: str, path: str, **options: Any) -> tuple[Any, Any]:
    fast = await workspace.api.request(method, path, **options)
    other = await slow.as_(workspace.api.token).at(workspace.api.base).request(method, path, **options)
    return seen(fast), seen(other)


QUERIES = """

?limit=2
?limit=0
?limit=2&limit=3
?colour=red
?sort=-due&count=true
?sort=size
?project=FLUID&category=todo,done
?project=NOPE
?assignee=me,none
?assignee=you
?q=dialog
?q=
?state=trashed
?include=description
?cursor=forged
?created_since=2020-01-01
?created_since=2020-01-01T00:00:00Z
?due_until=2026-02-30
?priority=high,
?q=%ff
?q=%C3%A9
?%ff=a
?q=a%00b
?&&
?&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&
""".splitlines()[1:]


@pytest.mark.parametrize("query", QUERIES)
async def test_lists_are_the_same(workspace: Workspace, slow: Client, query: str) -> None:
    await workspace.task("Dialog loses focus", priority="high")
    await workspace.task("Tooltip cannot be reached", due_date="2026-12-01")
    fast, other = await both(workspace, slow, "GET", f"/tasks{query}")
    assert fast == other
    assert fast[0] < 500


async def test_one_task_is_the_same(workspace: Workspace, slow: Client) -> None:
    task = await workspace.task()
    refs = [task["id"], task["key"], task["key"].lower(), new_id(), "NOPE-1", "x" * 61, "%00", "", "a%2Fb"]
    for ref, query in itertools.product(refs, ["", "?a=1"]):
        fast, other = await both(workspace, slow, "GET", f"/tasks/{ref}{query}")
        assert fast == other, ref
    etag = {"If-None-Match": f'"{task["version"]}"'}
    fast, other = await both(workspace, slow, "GET", f"/tasks/{task['id']}", headers=etag)
    assert fast == other
    assert fast[0] == 304


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer nobody"}, {"Authorization": "Basic eDp5"}, {"Authorization": "bearer x"}],
)
async def test_refused_logins_are_the_same(
    workspace: Workspace, slow: Client, headers: dict[str, str]
) -> None:
    for method, path in (("GET", "/tasks"), ("GET", "/tasks/FLUID-1"), ("POST", "/tasks")):
        fast, other = await both(workspace, slow, method, path, headers=headers)
        assert fast == other
        assert fast[0] in {401, 422}


BAD_BODIES = [
    b"", b"{", b"[]", b"null", b'{"title": 1}', b'{"title": "a", "title": "b"}', b'{"title": "\xff"}',
    b'{"colour": "red"}', b'{"title": "   "}', b'{"title": null}', b'{"estimate": NaN}', b"[" * 100,
]  # fmt: skip


@pytest.mark.parametrize("content", BAD_BODIES)
async def test_refused_bodies_are_the_same_and_change_nothing(
    workspace: Workspace, slow: Client, content: bytes
) -> None:
    task = await workspace.task()
    for method, path in (("POST", "/tasks"), ("PATCH", f"/tasks/{task['id']}")):
        for kind in ("application/json", "text/plain", ""):
            headers = {"Content-Type": kind} if kind else {}
            fast, other = await both(workspace, slow, method, path, content=content, headers=headers)
            assert fast == other
            assert 400 <= fast[0] < 500
    assert ok(await workspace.api.get(f"/tasks/{task['id']}")) == task


async def test_writes_are_the_same(workspace: Workspace, slow: Client) -> None:
    for headers in (
        {},
        {"If-Match": "*"},
        {"If-Match": "x"},
        {"Idempotency-Key": "bad key"},
        {"If-Match": '"1"', "Idempotency-Key": "bad key"},
        {"If-Match": '"1"', "Content-Type": "text/plain"},
    ):
        body = {"project_id": "FLUID", "title": "Focus is lost", "priority": "high"}
        fast, other = await both(workspace, slow, "POST", "/tasks", json=body, headers=headers)
        assert fast[0] == other[0]
        assert fast[2].keys() == other[2].keys()
        assert fast[1].keys() == other[1].keys()
    task = await workspace.task()
    for patch in ({"priority": "low"}, {"status_id": new_id()}, {"parent_id": task["id"]}, {}):
        fast, other = await both(workspace, slow, "PATCH", f"/tasks/{task['id']}", json=patch)
        assert (fast[0], fast[2].get("code"), fast[2].get("priority")) == (
            other[0],
            other[2].get("code"),
            other[2].get("priority"),
        )


async def test_what_the_lane_took_is_repeated_by_the_route(workspace: Workspace, slow: Client) -> None:
    """An answer recorded for one is given by the other: both mean the same request."""
    headers = {"Idempotency-Key": new_id()}
    body = {"project_id": "FLUID", "title": "Once only"}
    fast, other = await both(workspace, slow, "POST", "/tasks", json=body, headers=headers)
    assert fast[2] == other[2]
    assert other[1]["idempotency-replayed"] == "true"


STREAM = {"Accept": "text/event-stream"}
STREAM_QUERIES = """

?since={cursor}
?since=x
?since=01a22b77-5358-7d0b-84e1-2b6696343d65.3.0123456789abcdef01
?since={cursor}&since=x
?project=FLUID
?project=NOPE
?fields=task:title
?a=1
?since=%ff
?since=
""".splitlines()[1:]


@pytest.mark.parametrize("query", STREAM_QUERIES)
async def test_streams_are_the_same(workspace: Workspace, slow: Client, query: str) -> None:
    followed = ok(await workspace.api.get("/sync"))
    query = query.format(cursor=followed["cursor"])
    for headers in (STREAM, STREAM | {"Last-Event-ID": followed["cursor"]}, STREAM | {"Last-Event-ID": "7"}):
        fast, other = await both(workspace, slow, "HEAD", f"/sync{query}", headers=headers)
        assert fast == other, headers
        assert fast[0] < 500
        if fast[0] != 200:  # else it would go on
            fast, other = await both(workspace, slow, "GET", f"/sync{query}", headers=headers)
            assert fast == other


async def test_who_follows_is_the_same(
    workspace: Workspace, other_workspace: Workspace, slow: Client, services: Services
) -> None:
    """Members, guests, tokens, visitors, strangers, who was removed, and the dead, by id and by slug."""
    callers = [
        *(workspace.api, workspace.member, workspace.admin, workspace.stranger, other_workspace.api),
        *(await workspace.guest(services), await workspace.guest(services, FLUID="viewer")),
        *(await workspace.token(services, "member"), await workspace.token(services, "member", "label:read")),
        *(await workspace.service(services), await workspace.visitor("viewer")),
        *(workspace.api.as_("dead"), workspace.api.as_(None)),
    ]
    ok(await workspace.api.delete(f"/memberships/{workspace.membership_ids['admin']}"))
    statuses = set()
    for base in (workspace, other_workspace):
        ok(await base.api.get("/sync"))
        for caller, ref in itertools.product(callers, (base.id, base.slug)):
            path = f"/api/v1/workspaces/{ref}/sync"
            fast = await caller.at("").request("HEAD", path, headers=STREAM)
            other = await slow.as_(caller.token).request("HEAD", path, headers=STREAM)
            assert seen(fast) == seen(other)
            statuses.add(fast.status_code)
    assert statuses == {200, 401, 404}


async def test_a_workspace_is_followed_by_the_names_that_it_has_now(workspace: Workspace) -> None:
    ok(await workspace.api.get("/sync"))
    ok(await workspace.api.patch("", {"slug": f"moved-{new_id()}"}))
    assert (await workspace.api.request("HEAD", "/sync", headers=STREAM)).status_code == 404


async def test_who_comes_to_a_workspace_that_is_followed_is_let_in_by_what_is_known_of_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ok(await workspace.api.get("/sync"))

    async def fail(*_: Any) -> None:
        raise AssertionError("the gate was asked")

    monkeypatch.setattr(Access, "enter", fail)
    answer = await workspace.member.request("HEAD", "/sync", headers=STREAM)
    assert answer.status_code == 200
    assert (await workspace.stranger.request("HEAD", "/sync", headers=STREAM)).status_code == 500


def test_the_lane_has_the_permissions_of_the_routes(app: FastAPI) -> None:
    required = {
        (method, context.path_format): dependency.call.permission
        for context in iter_route_contexts(app.router.routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.methods or ()
        for dependency in context.dependant.dependencies
        if isinstance(dependency.call, Requires)
    }
    lane = {(method, call.route): call.permission for (method, _), call in CALLS.items()}
    route, permission = FOLLOW
    lane["GET", route] = permission
    assert lane.items() <= required.items()
