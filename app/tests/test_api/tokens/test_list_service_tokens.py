import pytest

from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.test_api.tokens.secrets_of import made, service_account

pytestmark = pytest.mark.anyio


async def test_those_of_one_account(workspace: Workspace) -> None:
    path, other = await service_account(workspace), await service_account(workspace)
    token = await made(workspace.api, path)
    await made(workspace.api, other)
    answer = await workspace.admin.get(path)
    assert [one["id"] for one in ok(answer)["items"]] == [token["id"]]
    assert token["token"] not in answer.text


async def test_members_and_strangers(workspace: Workspace) -> None:
    path = await service_account(workspace)
    refused(await workspace.member.get(path), 403, "permission_denied")
    refused(await workspace.stranger.get(path), 404, "not_found")
