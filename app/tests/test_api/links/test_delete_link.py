import pytest

from app.models.links import LinkPassword, Visit
from app.services.bootstrap import Services
from app.tests.support.clients import ok, refused
from app.tests.support.factories import Workspace
from app.tests.test_api.links.shared import LINKS, PASSWORD, visitor

pytestmark = pytest.mark.anyio


async def test_nothing_of_it_stays_but_what_was_said(workspace: Workspace, services: Services) -> None:
    task = await workspace.task()
    link = await workspace.link("commenter", password=PASSWORD)
    visit = await visitor(workspace, link, PASSWORD)
    comment = ok(await visit.post(f"/tasks/{task['id']}/comments", {"body": "Thank you"}), 201)
    answer = await workspace.api.delete(f"{LINKS}/{link['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await workspace.api.get(f"{LINKS}/{link['id']}"), 404, "not_found")
    author = ok(await workspace.api.get(f"/memberships/{comment['author_id']}"))
    assert author["display_name"] == "Beta testers"
    assert author["removed_at"] is not None
    assert await services.database.collection(LinkPassword).count_documents({"_id": link["id"]}) == 0
    assert await services.database.collection(Visit).count_documents({"link_id": link["id"]}) == 0


async def test_a_rehearsal_ends_nothing(workspace: Workspace) -> None:
    link = await workspace.link("viewer")
    visit = await visitor(workspace, link)
    ok(await workspace.api.delete(f"{LINKS}/{link['id']}?dry_run=true"), 204)
    ok(await visit.get("/tasks"))
