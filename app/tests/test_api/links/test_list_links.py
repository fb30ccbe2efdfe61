import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.test_api.links.shared import LINKS

pytestmark = pytest.mark.anyio


async def test_the_oldest_first(workspace: Workspace) -> None:
    links = [await workspace.link("viewer"), await workspace.link("commenter")]
    assert ok(await workspace.api.get(LINKS))["items"] == links
    first = ok(await workspace.api.get(f"{LINKS}?limit=1"))
    second = ok(await workspace.api.get(f"{LINKS}?limit=1&cursor={first['next_cursor']}"))
    assert [*first["items"], *second["items"]] == links


async def test_who_may_not(workspace: Workspace, services: Services) -> None:
    await workspace.link("viewer")
    refused(await workspace.member.get(LINKS), 403, "permission_denied")
    refused(await (await workspace.guest(services)).get(LINKS), 404, "not_found")
    refused(await (await workspace.guest(services, FLUID="contributor")).get(LINKS), 403, "permission_denied")
