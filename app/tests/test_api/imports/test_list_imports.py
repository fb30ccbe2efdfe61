"""GET .../imports."""

from datetime import timedelta

import pytest

from app.models.imports import ImportRun
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


@pytest.mark.parametrize(("silent", "state"), [(1, "running"), (31, "interrupted")])
async def test_one_that_runs_is_listed(
    services: Services, workspace: Workspace, silent: int, state: str
) -> None:
    """Or was running, when its process was killed."""
    run = await imported(workspace.api, lines(issue("DECA-1")))
    heartbeat = services.clock.now() - timedelta(seconds=silent)
    runs = services.database.collection(ImportRun)
    await runs.update_one({"_id": run["id"]}, {"$set": {"state": "running", "heartbeat": heartbeat}})
    (listed,) = ok(await workspace.member.get("/imports"))["items"]
    assert (listed["id"], listed["state"]) == (run["id"], state)
    assert ok(await workspace.member.get(f"/imports/{run['id']}")) == listed


async def test_they_stay_in_their_workspace(
    services: Services, workspace: Workspace, other_workspace: Workspace
) -> None:
    await imported(workspace.api, lines(issue("DECA-1")))
    assert ok(await other_workspace.api.get("/imports"))["items"] == []
    await check_denied(services, workspace, lambda client: client.get("/imports"), STRANGERS)
