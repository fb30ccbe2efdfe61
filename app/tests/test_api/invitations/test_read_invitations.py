"""Looking at invitations: one, the list, and through the token."""

from typing import Any

import pytest

from app.models.invitations import InvitationSecret
from app.services.bootstrap import Services
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import check_denied, check_not_modified, check_pages
from app.tests.support.factories import Workspace
from app.tests.support.invitations import accept, invite, newcomer, preview, token_of
from app.tests.support.mails import mailed_token
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


def address() -> str:
    return f"{new_id()}@fluid.example"


async def test_one_is_what_was_made_without_the_secret(workspace: Workspace) -> None:
    for body in ({"email": address(), "role": "guest"}, {"max_uses": 7}):
        made = await invite(workspace, **body)
        answer = await workspace.admin.get(f"/invitations/{made['id']}")
        assert ok(answer) == {name: value for name, value in made.items() if name != "link"}
        await check_not_modified(workspace.admin, f"/invitations/{made['id']}")


async def test_the_address_is_masked_when_it_is_over(workspace: Workspace, services: Services) -> None:
    email = address()
    made = await invite(workspace, email=email)
    await services.database.collection(InvitationSecret).delete_one({"_id": made["id"]})
    masked = f"{email[0]}***@fluid.example"
    assert ok(await workspace.api.get(f"/invitations/{made['id']}"))["email"] == masked
    assert [one["email"] for one in ok(await workspace.api.get("/invitations"))["items"]] == [masked]


async def test_the_list_has_all_the_newest_first(workspace: Workspace, other_workspace: Workspace) -> None:
    made = [await invite(workspace, email=address()) for _ in range(3)]
    foreign = await invite(other_workspace)
    items = await check_pages(workspace.api, "/invitations", "/labels")
    assert [one["id"] for one in items] == [one["id"] for one in reversed(made)]
    assert [one["email"] for one in items] == [one["email"] for one in reversed(made)]
    refused(await workspace.api.get(f"/invitations/{foreign['id']}"), 404, "not_found")


async def test_members_and_strangers_see_none(workspace: Workspace, services: Services) -> None:
    made = await invite(workspace)
    for path in ("/invitations", f"/invitations/{made['id']}"):

        async def send(client: Client, path: str = path) -> Answer:
            return await client.get(path)

        await check_denied(services, workspace, send)


async def test_the_history_tells_members_nothing_of_them(workspace: Workspace) -> None:
    made = await invite(workspace, email=address())
    assert made["id"] in (await workspace.admin.get("/events")).text
    assert made["id"] not in (await workspace.member.get("/events")).text
    refused(await workspace.member.get(f"/events/{made['version']}"), 404, "not_found")


async def test_the_token_tells_what_one_is_invited_to(
    workspace: Workspace, services: Services, anonymous: Client
) -> None:
    email = address()
    made = await invite(workspace, workspace.admin, email=email, role="guest")
    answer = await preview(anonymous, await mailed_token(services, email))
    assert answer.headers["cache-control"] == "no-store"
    expected: dict[str, Any] = {
        "workspace_id": workspace.id,
        "workspace_name": "Fluid Project",
        "role": "guest",
        "invited_by": "Colin Clark",
        "email": f"{email[0]}***@fluid.example",
        "expires_at": made["expires_at"],
    }
    assert ok(answer, 200) == expected
    told = ok(await preview(anonymous, token_of(await invite(workspace))))
    assert (told["email"], told["invited_by"]) == (None, "Justin Obara")


async def test_all_that_cannot_be_accepted_looks_alike(
    workspace: Workspace, services: Services, anonymous: Client
) -> None:
    revoked, used = await invite(workspace), await invite(workspace, max_uses=1)
    ok(await workspace.api.delete(f"/invitations/{revoked['id']}"), 204)
    ok(await accept((await newcomer(services, anonymous))[1], token_of(used)))
    answers = [await preview(anonymous, one) for one in ("A" * 43, token_of(revoked), token_of(used))]
    problems = [refused(one, 410, "invalid_link") for one in answers]
    assert len({str({**one, "request_id": ""}) for one in problems}) == 1
