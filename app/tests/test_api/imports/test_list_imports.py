"""GET .../imports."""

import pytest

from app.services.bootstrap import Services
from app.tests.support.archives import imported, issue, lines
from app.tests.support.clients import ok
from app.tests.support.conventions import STRANGERS, check_denied
from app.tests.support.factories import Workspace

pytestmark = pytest.mark.anyio


async def test_the_latest_comes_first_page_by_page(workspace: Workspace) -> None:
    runs = [await imported(workspace.api, lines(issue(f"DECA-{number}"))) for number in range(1, 4)]
    first = ok(await workspace.member.get("/imports", params={"limit": 2, "count": "true"}))
    assert first["total"] == 3
    rest = ok(await workspace.member.get("/imports", params={"limit": 2, "cursor": first["next_cursor"]}))
    assert [one["id"] for one in first["items"] + rest["items"]] == [run["id"] for run in reversed(runs)]
    assert rest["next_cursor"] is None


async def test_they_stay_in_their_workspace(
    services: Services, workspace: Workspace, other_workspace: Workspace
) -> None:
    await imported(workspace.api, lines(issue("DECA-1")))
    assert ok(await other_workspace.api.get("/imports"))["items"] == []
    await check_denied(services, workspace, lambda client: client.get("/imports"), STRANGERS)
