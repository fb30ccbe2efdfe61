"""GET .../imports/{import}."""

import pytest

from app.services.bootstrap import Services
from app.services.imports import ImportEngine, ImportOptions
from app.tests.support.archives import imported, issue, lines
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import STRANGERS, check_denied
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_members_see_how_it_went(workspace: Workspace) -> None:
    run = await imported(workspace.api, lines(issue("DECA-1", components=["Kettle"])))
    seen = ok(await workspace.member.get(f"/imports/{run['id']}"))
    assert seen == run
    assert seen["summary"]["created"] == {
        "projects": 1,
        "statuses": 2,
        "labels": 1,
        "people": 0,
        "tasks": 1,
        "comments": 0,
    }
    assert "request_key" not in seen


async def test_it_has_an_etag(workspace: Workspace) -> None:
    run = await imported(workspace.api, lines(issue("DECA-1")))
    first = await workspace.api.get(f"/imports/{run['id']}")
    headers = {"if-none-match": first.headers["etag"]}
    assert (await workspace.api.get(f"/imports/{run['id']}", headers=headers)).status_code == 304


async def test_a_run_that_died_is_interrupted_whatever_its_etag(
    services: Services, workspace: Workspace, clock: TestClock
) -> None:
    scope = await services.access.act_for(workspace.users["owner"], workspace.id, {"channel": "http"})
    _, run = await ImportEngine(scope).begin(ImportOptions("fluid.jsonl"))
    path = f"/imports/{run['id']}"
    first = await workspace.api.get(path)
    assert ok(first)["state"] == "running"
    clock.forward(seconds=40)
    later = await workspace.api.get(path, headers={"if-none-match": first.headers["etag"]})
    assert ok(later)["state"] == "interrupted"


async def test_strangers_see_nothing(
    services: Services, workspace: Workspace, other_workspace: Workspace
) -> None:
    run = await imported(workspace.api, lines(issue("DECA-1")))
    path = f"/imports/{run['id']}"
    await check_denied(services, workspace, lambda client: client.get(path), STRANGERS)
    refused(await other_workspace.api.get(path), 404, "not_found")
    refused(await workspace.api.get(f"/imports/{new_id()}"), 404, "not_found")
    refused(await workspace.api.get("/imports/7"), 422, "validation_failed")
