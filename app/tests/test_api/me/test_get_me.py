import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import check_not_modified, client_of, stored
from app.tests.support.factories import Workspace, log_in, make_user

pytestmark = pytest.mark.anyio
PATH = "/api/v1/me"


@pytest.mark.parametrize("role", ["owner", "admin", "member", "stranger"])
async def test_who_is_logged_in(workspace: Workspace, services: Services, role: str) -> None:
    user = workspace.users[role]
    me = ok(await client_of(workspace, role).at("").get(PATH), 200)
    profile = {"display_name", "time_zone", "locale", "avatar_version"}
    assert set(me) == {"id", "email", "created_at", "updated_at"} | profile
    assert (me["id"], me["email"], me["display_name"]) == (user.id, user.email, user.display_name)
    kept = await stored(services, User, user.id)
    assert kept is not None
    assert me["email"] == kept["email"]


async def test_not_modified(workspace: Workspace) -> None:
    client = workspace.api.at("")
    await check_not_modified(client, PATH)
    etag = (await client.get(PATH)).headers["etag"]
    ok(await client.patch(PATH, {"display_name": "Other"}))
    ok(await client.get(PATH, headers={"If-None-Match": etag}), 200)


async def test_without_a_login(anonymous: Client) -> None:
    answer = await anonymous.get(PATH)
    refused(answer, 401, "authentication_required")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_removed_account_is_out_within_a_second(anonymous: Client, services: Services) -> None:
    user = await make_user(services)
    client = anonymous.as_(await log_in(services, user))
    await services.database.collection(User).delete_one({"_id": user.id})
    refused(await client.get(PATH), 401, "invalid_token")
