"""Nothing of one workspace is reached through another, not even by somebody who owns both."""

import re
from typing import Any

import pytest

from app.core.errors import ErrorCode
from app.core.security import token_hash
from app.models.sessions import Session
from app.models.users import User
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import kept_since, stored, unchanged
from app.tests.support.factories import PASSWORD, Workspace
from app.tests.test_api.core.bodies import NEW_PASSWORD
from app.tests.test_api.core.places import PLACES, Values
from app.tests.test_api.core.routes import OPERATIONS, WITH_JSON, Operation
from app.tests.test_api.core.world import World, sent_as

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

INSIDE = [one for one in OPERATIONS if "workspace" in one.segments]
REFERENCES = {
    "after_id": "task",
    "assignee_ids": "membership",
    "before_id": "task",
    "custom_role_id": "role",
    "default_status_id": "status",
    "into_id": "membership",
    "label_ids": "label",
    "lead_id": "membership",
    "member_ids": "membership",
    "membership_id": "membership",
    "parent_id": "task",
    "project_id": "project",
    "reporter_id": "membership",
    "status_id": "status",
    "team_id": "team",
}
"""What the members of bodies name, by kind."""
NUMBERS = {"seq"}
"""Places that hold no id: the same number means another event in another workspace."""


@pytest.fixture
async def neighbour(world: World, other_world: World) -> World:
    """Another workspace of the same owner: the permission is there, the place is wrong."""
    body = {"email": world.workspace.users["owner"].email, "role": "owner"}
    await other_world.made("/memberships", body)
    other_world.owner = world.owner
    return other_world


def referring(operation: Operation) -> dict[str, str]:
    """The members of its body that name something, by the kind of what they name."""
    names = [name for name in operation.body_schema["properties"] if re.search(r"_ids?$", name)]
    kinds = {name: REFERENCES[name] for name in names}
    return kinds if operation.id != "move_status" else {"after_id": "status"}


async def places(world: World, *kinds: str) -> Values:
    """New things of all kinds, those that stand in others first."""
    values: Values = {"workspace": world.workspace.id, "project": "FLUID"}
    for kind in kinds:
        values[kind] = await PLACES[kind](world, values)
    return values


async def send(world: World, operation: Operation, values: Values, body: Any) -> Answer:
    path = operation.path.format(**values)
    return await world.owner.request(operation.method, path, **sent_as(operation, body))


@pytest.mark.parametrize("operation", INSIDE, ids=str)
async def test_foreign_ids_in_paths(operation: Operation, world: World, neighbour: World) -> None:
    own, foreign = await world.values(operation), await neighbour.values(operation)
    body = await world.body(operation, own)
    swaps = [{name: foreign[name]} for name in operation.segments if name not in NUMBERS]
    deeper = [{**own, **foreign, "workspace": own["workspace"]}] if len(operation.segments) > 2 else []
    async with unchanged(world.services, world.workspace, neighbour.workspace):
        for swap in [*swaps, *deeper]:
            if swap.keys() & NUMBERS or operation.segments == ["workspace"]:
                continue
            if swap.keys() == {"workspace"} and _names_nothing_else(operation):
                continue
            answer = await send(world, operation, own | swap, body)
            refused(answer, 404, ErrorCode.NOT_FOUND)


def _names_nothing_else(operation: Operation) -> bool:
    """The same request about the other workspace is one that its owner may make."""
    return set(operation.segments) <= {"workspace", *NUMBERS}


@pytest.mark.parametrize("operation", INSIDE, ids=str)
async def test_ids_of_another_kind_in_paths(operation: Operation, world: World) -> None:
    own = await world.values(operation)
    body = await world.body(operation, own)
    others = await places(world, "label", "membership", "status", "task", "comment")
    async with unchanged(world.services, world.workspace):
        for name in operation.segments:
            for kind, id_ in others.items():
                if name not in NUMBERS and kind not in (name, "project", "workspace"):
                    answer = await send(world, operation, own | {name: id_}, body)
                    refused(answer, 404, ErrorCode.NOT_FOUND)


@pytest.mark.parametrize("operation", [one for one in WITH_JSON if referring(one)], ids=str)
async def test_foreign_ids_in_bodies(operation: Operation, world: World, neighbour: World) -> None:
    own = await world.values(operation)
    body = await world.body(operation, own)
    foreign = await places(neighbour, "project", "status", "label", "membership", "task", "role", "team")
    other_kinds = await places(world, "label", "membership", "status", "task", "role")
    async with unchanged(world.services, world.workspace, neighbour.workspace):
        for name, kind in referring(operation).items():
            wrong = [foreign[kind], *(id_ for other, id_ in other_kinds.items() if other != kind)]
            for id_ in wrong:
                if id_ != "FLUID":
                    value = [id_] if name.endswith("s") else id_
                    answer = await send(world, operation, own, _base(operation, name, body) | {name: value})
                    refused(answer, 404, ErrorCode.NOT_FOUND)
            if name.endswith("s"):
                mixed = [other_kinds[kind], foreign[kind]]
                answer = await send(world, operation, own, _base(operation, name, body) | {name: mixed})
                refused(answer, 404, ErrorCode.NOT_FOUND)


def _base(operation: Operation, name: str, body: Any) -> Any:
    """What goes with a reference of each kind."""
    if operation.id == "rank_task":
        return {}
    return {"role": "viewer"} if name == "team_id" else body


@pytest.mark.parametrize(
    "operation", [one for one in WITH_JSON if "id" in one.body_schema["properties"]], ids=str
)
async def test_an_id_in_use_elsewhere_is_not_taken_over(
    operation: Operation, world: World, neighbour: World
) -> None:
    there = ok(await neighbour.call(operation, neighbour.owner))
    own = await world.values(operation)
    body = await world.body(operation, own)
    async with unchanged(world.services, world.workspace, neighbour.workspace):
        answer = await send(world, operation, own, {**body, "id": there["id"]})
        refused(answer, 409, ErrorCode.ALREADY_EXISTS)


async def test_foreign_ids_in_filters_find_nothing(world: World, neighbour: World) -> None:
    foreign = await places(neighbour, "status", "label", "membership", "task")
    task = {"status_id": foreign["status"], "label_ids": [foreign["label"]]}
    ok(await neighbour.owner.patch(f"{neighbour.base}/tasks/{foreign['task']}", task))
    await world.workspace.task()
    for name, kind in (("status", "status"), ("label", "label"), ("assignee", "membership")):
        answer = await world.owner.get(f"{world.base}/tasks", params={name: foreign[kind]})
        assert ok(answer)["items"] == []
    project = neighbour.workspace.project["id"]
    refused(await world.owner.get(f"{world.base}/tasks", params={"project": project}), 404, "not_found")


async def test_keys_mean_the_workspaces_own(world: World, neighbour: World) -> None:
    mine, theirs = await world.workspace.task("Mine"), await neighbour.workspace.task("Theirs")
    assert mine["key"] == theirs["key"]
    assert ok(await world.owner.get(f"{world.base}/tasks/{mine['key']}"))["id"] == mine["id"]
    assert ok(await neighbour.owner.get(f"{neighbour.base}/tasks/{mine['key']}"))["id"] == theirs["id"]


async def test_events_are_the_workspaces_own(world: World, neighbour: World) -> None:
    task = await neighbour.workspace.task("Theirs")
    for _ in range(3):
        await neighbour.workspace.comment(task)
    last = (await neighbour.workspace.task("Last"))["version"]
    async with unchanged(world.services, world.workspace, neighbour.workspace):
        refused(await world.owner.get(f"{world.base}/events/{last}"), 404, "not_found")
        refused(await world.owner.post(f"{world.base}/events/{last}/undo"), 404, "not_found")


async def test_an_idempotency_key_counts_in_its_workspace(world: World, neighbour: World) -> None:
    headers = {"Idempotency-Key": "shared"}
    made = [
        ok(await one.owner.post(f"{one.base}/labels", {"name": "A11y"}, headers=headers), 201)
        for one in (world, neighbour)
    ]
    assert made[0]["id"] != made[1]["id"]
    assert [one["workspace_id"] for one in made] == [world.workspace.id, neighbour.workspace.id]


async def secrets(world: World, client: Client) -> dict[str, str]:
    """What must never be seen, by what it is."""
    user = await stored(world.services, User, world.workspace.users["owner"].id)
    assert user is not None
    tokens = await world.services.sessions.open(user["_id"], remember_me=True, client="tests")
    session = await world.services.database.collection(Session).find_one(
        {"access_hash": token_hash(tokens.access_token)}
    )
    assert session is not None
    assert client.token is not None
    return {
        "password": PASSWORD,
        "new password": NEW_PASSWORD,
        "password hash": user["password_hash"],
        "its field": "password_hash",
        "kind of hash": "$argon2",
        "access token": client.token,
        "access hash": token_hash(client.token),
        "another access hash": session["access_hash"],
        "refresh token": tokens.refresh_token,
        "refresh hash": session["refresh_hash"],
        "secret": world.services.secret.decode(),
        "database": world.services.settings.database_name + "?",
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_no_answer_tells_a_secret(operation: Operation, world: World) -> None:
    hidden = await secrets(world, world.owner)
    answer = await world.call(operation, world.owner)
    assert answer.status_code == operation.success, answer.text
    seen = answer.text + str(answer.headers)
    for what, secret in hidden.items():
        assert secret not in seen, what


async def test_the_database_keeps_no_secret_as_it_is(world: World, workspace: Workspace) -> None:
    hidden = await secrets(world, world.owner)
    for operation in OPERATIONS:
        if operation.id not in ("deactivate_me", "delete_login", "delete_me", "update_password"):
            await world.call(operation, world.owner)
    await world.services.audit_follower.follow(workspace.id)
    since = workspace.users["owner"].id
    kept = "".join([text async for _, text in kept_since(world.services, since)])
    assert workspace.id in kept
    for what in ("password", "new password", "access token", "refresh token", "secret"):
        assert hidden[what] not in kept, what
