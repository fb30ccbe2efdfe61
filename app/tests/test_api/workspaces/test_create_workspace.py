from typing import Any

import pytest

from app.core.documents import Doc
from app.core.log import Event, Head
from app.models.memberships import Membership
from app.models.workspaces import Workspace as WorkspaceModel
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import stored, unchanged
from app.tests.support.factories import Workspace, log_in, make_user
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
PATH = "/api/v1/workspaces"


@pytest.fixture
async def founder(services: Services, anonymous: Client) -> Client:
    return anonymous.as_(await log_in(services, await make_user(services, "Jess Mitchell")))


def a_body(**more: Any) -> dict[str, Any]:
    return {"slug": f"w-{new_id()}", "name": "Fluid Project", "description": "In the open.", **more}


async def count(services: Services, slug: str) -> int:
    return await services.database.collection(WorkspaceModel).count_documents({"slug": slug})


async def people(services: Services, workspace_id: str) -> list[Doc]:
    query = {"workspace_id": workspace_id}
    return await services.database.collection(Membership).find(query).to_list()


async def test_the_founder_is_its_owner(founder: Client, services: Services) -> None:
    body = a_body()
    answer = await founder.post(PATH, body)
    made = ok(answer, 201)
    assert {name: made[name] for name in body} == body
    assert made["version"] == 1
    assert answer.headers["location"] == f"{PATH}/{made['id']}"
    assert answer.headers["etag"] == '"1"'
    for ref in (made["id"], made["slug"]):
        assert ok(await founder.get(f"{PATH}/{ref}")) == made
    (owner,) = await people(services, made["id"])
    assert (owner["role"], owner["display_name"]) == ("owner", "Jess Mitchell")
    head = await stored(services, Head, made["id"])
    assert head is not None
    assert head["seq"] == 1
    events = await services.database.collection(Event).find({"workspace_id": made["id"]}).to_list()
    assert [(one["seq"], one["command"]) for one in events] == [(1, "workspace.create")]
    assert {op["kind"] for op in events[0]["ops"]} == {"workspace", "membership"}


async def test_everybody_with_a_login_may_and_nobody_without(workspace: Workspace) -> None:
    for client in (workspace.api, workspace.member, workspace.stranger):
        ok(await client.at("").post(PATH, a_body()), 201)
    refused(await workspace.api.as_(None).at("").post(PATH, a_body()), 401, "authentication_required")


async def test_a_slug_is_used_once(workspace: Workspace, services: Services) -> None:
    async with unchanged(services, workspace):
        answer = await workspace.stranger.at("").post(PATH, a_body(slug=workspace.slug))
        problem = refused(answer, 409, "already_exists")
        assert problem["detail"] == "A workspace with this short name already exists."
    assert await count(services, workspace.slug) == 1


@pytest.mark.parametrize(
    "slug",
    [
        "a",
        "a" * 49,
        "Fluid",
        "fluid project",
        "-fluid",
        "fluid-",
        "a--b",
        "été",
        "a/b",
        "a.b",
        "$ne",
        "",
        None,
        5,
        "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01",
        "fluid\n",
    ],
)
async def test_a_slug_stands_in_paths(founder: Client, services: Services, slug: Any) -> None:
    problem = refused(await founder.post(PATH, a_body(slug=slug)), 422, "validation_failed")
    assert [one["pointer"] for one in problem["errors"]] == ["/slug"]
    assert ok(await founder.get(PATH))["items"] == []


async def test_an_id_of_the_clients_own_works_once(
    founder: Client, workspace: Workspace, services: Services
) -> None:
    id_ = new_id()
    assert ok(await founder.post(PATH, a_body(id=id_)), 201)["id"] == id_
    async with unchanged(services, workspace):
        for taken in (id_, workspace.id):
            body = a_body(id=taken)
            refused(await founder.post(PATH, body), 409, "already_exists")
            assert await count(services, body["slug"]) == 0
    assert [one["id"] for one in ok(await founder.get(PATH))["items"]] == [id_]


@pytest.mark.parametrize("with_id", [False, True])
async def test_sent_again_it_is_not_done_again(founder: Client, services: Services, with_id: bool) -> None:
    body = a_body(**({"id": new_id()} if with_id else {}))
    headers = {"Idempotency-Key": "found-it"}
    first = await founder.post(PATH, body, headers=headers)
    made = ok(first, 201)
    again = await founder.post(PATH, body, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert await count(services, body["slug"]) == 1
    assert len(await people(services, made["id"])) == 1
    other = a_body()
    refused(await founder.post(PATH, other, headers=headers), 422, "idempotency_key_reused")
    assert await count(services, other["slug"]) == 0


async def test_a_key_belongs_to_whoever_used_it(founder: Client, workspace: Workspace) -> None:
    headers = {"Idempotency-Key": "shared"}
    mine = ok(await founder.post(PATH, a_body(), headers=headers), 201)
    theirs = ok(await workspace.stranger.at("").post(PATH, a_body(), headers=headers), 201)
    assert mine["id"] != theirs["id"]


async def test_dry_run(founder: Client, services: Services, workspace: Workspace) -> None:
    body = a_body()
    trial = ok(await founder.post(PATH, body, params={"dry_run": "true"}), 201)
    assert trial["slug"] == body["slug"]
    assert await count(services, body["slug"]) == 0
    assert await stored(services, Head, trial["id"]) is None
    taken = await founder.post(PATH, a_body(slug=workspace.slug), params={"dry_run": "true"})
    refused(taken, 409, "already_exists")
    ok(await founder.post(PATH, body), 201)


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": "\u200b"},
        {"name": "a\u202eb"},
        {"description": None},
        {"owner_id": "x"},
        {"version": 3},
        {"description": "x" * 100_001},
        {"name": {"$ne": None}},
    ],
    ids=str,
)
async def test_malformed(founder: Client, services: Services, change: dict[str, Any]) -> None:
    body = a_body(**change)
    refused(await founder.post(PATH, body), 422, "validation_failed")
    assert await count(services, body["slug"]) == 0
