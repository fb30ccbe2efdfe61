"""Every route against every principal, over HTTP."""

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from structlog.testing import capture_logs

from app.api.gate import Public, Requires, RequiresAccount
from app.core import logging as app_logging
from app.core.errors import ErrorCode
from app.main import check_permissions
from app.services.access import Permission
from app.tests.support.clients import Answer, Client, refused
from app.tests.test_api.core import canaries
from app.tests.test_api.core.permissions import EXPECTED, PRINCIPALS
from app.tests.test_api.core.routes import BY_ID, OPERATIONS, Operation
from app.tests.test_api.core.world import World, sent_as

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

CODES = {
    "401": (401, ErrorCode.AUTHENTICATION_REQUIRED),
    "403": (403, ErrorCode.PERMISSION_DENIED),
    "404": (404, ErrorCode.NOT_FOUND),
    "login": (403, ErrorCode.LOGIN_REQUIRED),
}


PAGES = {"get_docs": "/docs"}
"""Routes that the description leaves out: what people look at."""


def test_the_table_has_a_row_for_every_route_and_no_other(app: FastAPI) -> None:
    routes = [str(context.name) for context in iter_route_contexts(app.router.routes) if _is_ours(context)]
    assert sorted(routes) == sorted(EXPECTED)
    described = [one.id for one in OPERATIONS]
    assert sorted([*described, *PAGES]) == sorted(EXPECTED), "a route is left out of the description"


def _is_ours(context: Any) -> bool:
    return isinstance(context.original_route, APIRoute)


@pytest.mark.parametrize("name", PAGES)
async def test_pages(name: str, world: World) -> None:
    for principal, client in (await clients(world)).items():
        assert EXPECTED[name][principal] == "ok"
        answer = await client.get(PAGES[name])
        assert answer.status_code == 200, principal
        assert answer.headers["content-type"].startswith("text/html")


async def clients(world: World) -> dict[str, Client]:
    workspace = world.workspace
    return {
        "anonymous": workspace.api.at("").as_(None),
        "owner": workspace.api.at(""),
        "admin": workspace.admin.at(""),
        "member": workspace.member.at(""),
        **await world.grantees(),
        "guest": (await workspace.guest(world.services)).at(""),
        "former": await world.former_member(),
        "stranger": workspace.stranger.at(""),
        "service": await workspace.service(world.services),
        "token": await workspace.token(world.services, "owner", "*:read"),
        "visitor": await workspace.visitor("commenter"),
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_permissions(operation: Operation, world: World, other_world: World) -> None:
    """Status, what changes, and what answers and log lines tell, for every principal."""
    principals = await clients(world)
    # An owner elsewhere is still a stranger here.
    principals["stranger"] = other_world.owner
    await canaries.plant(other_world)
    elsewhere, seen = await other_world.digest(), dict[str, str]()
    request = await _valid(operation, world)
    # Those who are refused come first, as what the others do may end them, all with one request, as nothing
    # changes; the stranger comes last, whose own workspace the other one is.
    expected = EXPECTED[operation.id]
    for name in sorted(PRINCIPALS, key=lambda one: (expected[one] == "ok", one == "stranger")):
        if name == "stranger" and expected[name] == "ok":
            assert await other_world.digest() == elsewhere
        if expected[name] == "ok":
            world.caller = principals[name]
            request = await _valid(operation, world)
        seen[name] = await _seen(operation, world, principals[name], name, request)
    if operation.id == "create_visit":  # whoever has a link is no stranger to its project
        del seen["stranger"]
    await _assert_silent(seen, world, other_world)


async def _valid(operation: Operation, world: World) -> tuple[str, dict[str, Any]]:
    """The path and the options of a request for new things."""
    values = await world.values(operation)
    return operation.path.format(**values), sent_as(operation, await world.body(operation, values))


async def _seen(
    operation: Operation, world: World, client: Client, name: str, request: tuple[str, dict[str, Any]]
) -> str:
    """What answers a valid request; with the lines of the log where it is denied, and changes nothing."""
    path, options = request
    expected = EXPECTED[operation.id][name]
    own = name == "stranger" and expected == "ok" and not operation.public
    before = "" if expected == "ok" and not own else await world.digest()
    with capture_logs([app_logging._add_request]) as lines:
        answer = await client.request(operation.method, path, **options)
    if expected == "ok":
        await world.settled(answer)
        assert answer.status_code == operation.success, f"{name}: {answer.text}"
    else:
        refused(answer, *CODES[expected])
    assert not before or await world.digest() == before, f"{name} has changed something"
    return f"{answer.headers.multi_items()} {answer.text} {lines if answer.is_error else ''}"


async def _assert_silent(seen: dict[str, str], world: World, other_world: World) -> None:
    """No answer holds a secret that is kept, or anything of a workspace that its principal is not in."""
    secrets = await canaries.kept_secrets(world, other_world)
    here, there = await canaries.belongings(world), await canaries.belongings(other_world)
    assert secrets
    for name, text in seen.items():
        foreign = here - {canaries.PLANTED} if name == "stranger" else there
        told = [one for one in secrets | foreign if one in text]
        assert not told, f"{name} sees {told} in {text}"


def test_every_field_that_sounds_secret_is_a_canary() -> None:
    for model, names in canaries.sounding().items():
        listed = {*canaries.SECRETS.get(model, ()), *canaries.SHOWN.get(model, ())}
        assert set(names) <= listed, f"{model.__name__}: say whether it may be shown"


async def test_canaries_are_found(world: World, other_world: World) -> None:
    """The search is no search that finds nothing."""
    await canaries.plant(other_world)
    answer = await other_world.owner.get(f"{other_world.base}/tasks")
    with pytest.raises(AssertionError, match="member sees"):
        await _assert_silent({"member": answer.text}, world, other_world)
    user = await world.services.users.get(world.workspace.users["owner"].id)
    with pytest.raises(AssertionError, match="owner sees"):
        await _assert_silent({"owner": f"hash: {user.password_hash}"}, world, other_world)


async def test_changes_are_found(world: World) -> None:
    """The digest is none that stays the same."""
    for name in ("update_workspace", "create_task", "update_me", "create_my_token", "create_grant"):
        operation = BY_ID[name]
        path, options = await _valid(operation, world)
        before = await world.digest()
        assert await world.digest() == before
        answer = await world.owner.request(operation.method, path, **options)
        assert answer.status_code == operation.success, answer.text
        assert await world.digest() != before, name


async def test_absent_and_foreign_workspaces_look_alike(world: World, other_world: World) -> None:
    client = other_world.owner
    absent = {"workspace": "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01"}
    for operation in OPERATIONS:
        if "workspace" in operation.segments:
            values = await world.values(operation)
            body = await world.body(operation, values)
            options = sent_as(operation, body)
            foreign = await client.request(operation.method, operation.path.format(**values), **options)
            missing = await client.request(
                operation.method, operation.path.format(**values | absent), **options
            )
            assert _without_id(foreign) == _without_id(missing), operation.id


def _without_id(answer: Answer) -> Any:
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return answer.status_code, headers, {**answer.json(), "request_id": ""}


async def nothing() -> None:
    """An endpoint."""


def application(**options: Any) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None)
    router = APIRouter(prefix="/things")
    router.add_api_route("", nothing, **options)
    app.include_router(router)
    return app


def test_the_description_itself_is_open() -> None:
    check_permissions(FastAPI(docs_url=None, redoc_url=None))


def test_a_route_without_a_permission_keeps_the_application_from_starting() -> None:
    with pytest.raises(RuntimeError, match="nothing"):
        check_permissions(application())
    with pytest.raises(RuntimeError, match="nothing"):
        check_permissions(application(dependencies=[Depends(nothing)]))


def test_a_route_with_a_permission_starts() -> None:
    for declared in (Public("a test"), RequiresAccount(), Requires(Permission.TASK_READ)):
        check_permissions(application(dependencies=[Depends(declared)]))


def test_an_undeclared_socket_keeps_the_application_from_starting() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.websocket("/sync")
    async def sync(socket: WebSocket) -> None:
        await socket.close()

    with pytest.raises(RuntimeError, match="sync"):
        check_permissions(app)


def test_a_way_around_the_dependencies_keeps_the_application_from_starting() -> None:
    for route in (Route("/raw", nothing, name="raw"), Mount("/raw", Starlette(), name="raw")):
        app = FastAPI(docs_url=None, redoc_url=None)
        app.router.routes.append(route)
        with pytest.raises(RuntimeError, match="raw"):
            check_permissions(app)
