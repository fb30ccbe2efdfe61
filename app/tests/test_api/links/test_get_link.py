import pytest

from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.test_api.links.shared import LINKS

pytestmark = pytest.mark.anyio


async def test_one(workspace: Workspace) -> None:
    link = await workspace.link("viewer")
    answer = await workspace.api.get(f"{LINKS}/{link['id']}")
    assert ok(answer) == link
    assert answer.headers["etag"] == f'"{link["version"]}"'


async def test_who_may_not(workspace: Workspace) -> None:
    link = await workspace.link("viewer")
    answer = await workspace.member.get(f"{LINKS}/{link['id']}")
    refused(answer, 403, "permission_denied")
    assert link["token"] not in answer.text
