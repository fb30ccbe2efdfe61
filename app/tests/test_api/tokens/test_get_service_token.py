import pytest

from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.test_api.tokens.secrets_of import made, service_account
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_one(workspace: Workspace) -> None:
    path = await service_account(workspace)
    token = await made(workspace.api, path)
    shown = ok(await workspace.api.get(f"{path}/{token['id']}"))
    assert shown == {name: value for name, value in token.items() if name != "token"}


async def test_of_another_account_or_none(workspace: Workspace, other_workspace: Workspace) -> None:
    path, other = await service_account(workspace), await service_account(workspace)
    foreign = await made(other_workspace.api, await service_account(other_workspace))
    for token in ((await made(workspace.api, other))["id"], foreign["id"], new_id()):
        refused(await workspace.api.get(f"{path}/{token}"), 404, "not_found")
