import pytest

from app.core.security import verify_password
from app.models.links import Link, LinkPassword
from app.models.memberships import Membership
from app.services.bootstrap import Services
from app.services.links import rules
from app.tests.support.clients import ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import unchanged
from app.tests.support.factories import Workspace
from app.tests.test_api.links.shared import LINKS, PASSWORD
from app.utils.ids import new_id
from app.utils.times import rfc3339

pytestmark = pytest.mark.anyio

BODY = {"name": "Beta testers", "role": "viewer"}


async def test_the_answer_and_what_is_kept(workspace: Workspace, services: Services) -> None:
    link = await workspace.link("commenter", password=PASSWORD)
    assert (link["name"], link["role"], link["has_password"], link["expires_at"]) == (
        *("Beta testers", "commenter", True),
        None,
    )
    assert link["token"].startswith("pastis_lnk_")
    kept = await services.database.collection(Link).find_one({"_id": link["id"]})
    password = await services.database.collection(LinkPassword).find_one({"_id": link["id"]})
    author = await services.database.collection(Membership).find_one({"_id": link["membership_id"]})
    assert kept is not None
    assert password is not None
    assert author is not None
    assert link["token"] not in str(kept)
    assert await verify_password(PASSWORD, password["password_hash"])
    assert (author["type"], author["role"], author["user_id"]) == ("link", "guest", None)


async def test_a_password_is_nowhere_in_the_log(workspace: Workspace) -> None:
    await workspace.link("commenter", password=PASSWORD)
    events = (await workspace.api.get("/events")).text
    assert '"link.create"' in events
    assert PASSWORD not in events
    assert "argon2" not in events
    assert "pastis_lnk_" not in events


async def test_asked_again_with_the_same_key(workspace: Workspace) -> None:
    await workspace.link("viewer")
    key = {"Idempotency-Key": new_id()}
    first, second = [await workspace.api.post(LINKS, BODY, headers=key) for _ in range(2)]
    assert ok(first, 201) == ok(second, 201)
    assert len(ok(await workspace.api.get(LINKS))["items"]) == 2


async def test_a_rehearsal_keeps_nothing(workspace: Workspace, services: Services) -> None:
    await workspace.link("viewer")
    async with unchanged(services, workspace):
        body = {**BODY, "password": PASSWORD}
        link = ok(await workspace.api.post(f"{LINKS}?dry_run=true", body), 201)
    assert await services.database.collection(LinkPassword).count_documents({"_id": link["id"]}) == 0


async def test_a_project_that_is_not_open_to_links(workspace: Workspace, services: Services) -> None:
    for visibility in ("workspace", "private"):
        ok(await workspace.api.patch("/projects/FLUID", {"visibility": visibility}))
        async with unchanged(services, workspace):
            refused(await workspace.api.post(LINKS, BODY), 409, "wrong_visibility")


async def test_an_archived_project(workspace: Workspace) -> None:
    await workspace.link("viewer")
    ok(await workspace.api.post("/projects/FLUID/archive"))
    refused(await workspace.api.post(LINKS, BODY), 409, "archived")


async def test_who_may(workspace: Workspace, services: Services) -> None:
    await workspace.link("viewer")
    refused(await workspace.member.post(LINKS, BODY), 403, "permission_denied")
    lead = await workspace.guest(services, FLUID="lead")
    ok(await lead.post(LINKS, BODY), 201)
    refused(await workspace.stranger.post(LINKS, BODY), 404, "not_found")


async def test_nobody_gives_what_they_do_not_have(workspace: Workspace) -> None:
    await workspace.link("viewer")
    role = ok(await workspace.api.post("/roles", {"name": "Sharer", "permissions": ["link:create"]}), 201)
    path = f"/memberships/{workspace.membership_ids['member']}"
    ok(await workspace.api.patch(path, {"custom_role_id": role["id"]}))
    for kind in ("viewer", "commenter"):
        refused(await workspace.member.post(LINKS, {**BODY, "role": kind}), 403, "permission_denied")


@pytest.mark.parametrize("role", ["contributor", "lead", "admin", "owner", "guest"])
async def test_a_link_does_no_more_than_comment(workspace: Workspace, role: str) -> None:
    await workspace.link("viewer")
    refused(await workspace.api.post(LINKS, {**BODY, "role": role}), 422, "validation_failed")


async def test_an_end_that_is_past(workspace: Workspace, clock: TestClock) -> None:
    await workspace.link("viewer")
    body = {**BODY, "expires_at": rfc3339(clock.now())}
    problem = refused(await workspace.api.post(LINKS, body), 422, "validation_failed")
    assert problem["errors"][0]["detail"] == "It is refused: the time is past."


async def test_an_id_in_use(workspace: Workspace) -> None:
    link = await workspace.link("viewer")
    refused(await workspace.api.post(LINKS, {**BODY, "id": link["id"]}), 409, "already_exists")


async def test_there_are_only_so_many(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    await workspace.link("viewer")
    monkeypatch.setattr(rules, "MAX_LINKS", 1)
    refused(await workspace.api.post(LINKS, BODY), 409, "limit_reached")


async def test_it_is_not_undone(workspace: Workspace) -> None:
    await workspace.link("viewer")
    event = ok(await workspace.api.get("/events?limit=1"))["items"][0]
    refused(await workspace.api.post(f"/events/{event['seq']}/undo"), 409, "undo_conflict")


async def test_nobody_is_made_of_it(workspace: Workspace) -> None:
    """What a link's name is given as a member counts for nothing."""
    link = await workspace.link("viewer")
    path = f"/memberships/{link['membership_id']}"
    refused(await workspace.api.patch(path, {"role": "admin"}), 404, "not_found")
    refused(await workspace.api.delete(path), 404, "not_found")
    refused(await workspace.grant("lead", membership_id=link["membership_id"]), 404, "not_found")
    body = {"type": "link", "display_name": "Nobody"}
    refused(await workspace.api.post("/memberships", body), 422, "validation_failed")
