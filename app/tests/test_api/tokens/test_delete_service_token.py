import pytest

from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.test_api.tokens.secrets_of import made, service_account

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("long_memory")
async def test_it_ends_at_once(workspace: Workspace) -> None:
    path = await service_account(workspace)
    token = await made(workspace.api, path)
    build = workspace.api.as_(token["token"])
    ok(await build.get("/tasks"))
    ok(await workspace.admin.delete(f"{path}/{token['id']}"), 204)
    refused(await build.get("/tasks"), 401, "invalid_token")
    entry = ok(await workspace.api.get("/audit?kind=token.delete"))["items"][0]
    assert entry["detail"]["token"] == token["id"]


async def test_preconditions(workspace: Workspace) -> None:
    path = await service_account(workspace)
    one = f"{path}/{(await made(workspace.api, path))['id']}"
    refused(await workspace.api.delete(one, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    etag = (await workspace.api.get(one)).headers["etag"]
    ok(await workspace.api.delete(one, headers={"If-Match": etag}), 204)


async def test_of_another_account(workspace: Workspace) -> None:
    path, other = await service_account(workspace), await service_account(workspace)
    token = await made(workspace.api, other)
    refused(await workspace.api.delete(f"{path}/{token['id']}"), 404, "not_found")
    ok(await workspace.api.as_(token["token"]).get("/tasks"))
