"""Coming into a workspace with the token of an invitation."""

import asyncio

import pytest

from app.models.invitations import Invitation
from app.models.memberships import Membership
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.conventions import last_event, stored, unchanged
from app.tests.support.factories import Workspace, log_in
from app.tests.support.invitations import accept, invite, link, newcomer, placeholder, preview, token_of
from app.tests.support.mails import mailed_token
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.fixture
async def invited(services: Services, anonymous: Client) -> tuple[User, Client]:
    return await newcomer(services, anonymous)


@pytest.mark.parametrize("role", ["owner", "admin", "member", "guest"])
async def test_a_link_lets_any_account_in(
    workspace: Workspace, services: Services, invited: tuple[User, Client], role: str
) -> None:
    user, client = invited
    made = await invite(workspace, role=role)
    refused(await client.get(workspace.api.base), 404, "not_found")
    answer = await accept(client, token_of(made))
    member = ok(answer, 200)
    assert (member["role"], member["user_id"], member["display_name"]) == (role, user.id, "Heidi")
    assert member["workspace_id"] == workspace.id
    assert answer.headers["etag"] == f'"{member["version"]}"'
    ok(await client.get(workspace.api.base))
    kept = await stored(services, Membership, member["id"])
    assert kept is not None
    assert (kept["user_id"], kept["role"], kept["removed_at"]) == (user.id, role, None)
    assert ok(await workspace.api.get(f"/invitations/{made['id']}"))["uses"] == 1
    event = await last_event(services, workspace)
    assert event["command"] == "invitation.accept"
    assert event["actor"] == {"kind": "user", "user_id": user.id, "membership_id": None}
    assert [op["kind"] for op in event["ops"]] == ["membership", "invitation"]


async def test_a_custom_role_is_given(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    body = {"name": "Triage", "permissions": ["task:update"]}
    role = ok(await workspace.api.post("/roles", body), 201)["id"]
    first, second = [await link(workspace, custom_role_id=role, max_uses=2) for _ in range(2)]
    member = ok(await accept(invited[1], first))
    assert (member["role"], member["custom_role_id"]) == ("member", role)
    path = f"/memberships/{member['id']}"
    ok(await workspace.api.patch(path, {"custom_role_id": None}))
    ok(await workspace.api.delete(path))
    ok(await workspace.api.delete(f"/roles/{role}"))
    async with unchanged(services, workspace):
        refused(await accept(invited[1], second), 410, "invalid_link")


async def test_a_mailed_invitation_is_for_its_address(
    workspace: Workspace, services: Services, anonymous: Client, invited: tuple[User, Client]
) -> None:
    user, client = invited
    await invite(workspace, email=user.email.upper(), role="admin")
    token = await mailed_token(services, user.email)
    _, other = await newcomer(services, anonymous, "Mallory")
    async with unchanged(services, workspace):
        refused(await accept(other, token), 403, "wrong_account")
    assert ok(await accept(client, token))["role"] == "admin"
    refused(await accept(other, token), 403, "wrong_account")
    refused(await preview(anonymous, token), 410, "invalid_link")


async def test_who_moved_to_another_address_is_not_who_was_invited(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    user, client = invited
    await invite(workspace, email=user.email)
    token = await mailed_token(services, user.email)
    await services.users.change_email(user.id, f"{new_id()}@fluid.example")
    async with unchanged(services, workspace):
        refused(await accept(client, token), 403, "wrong_account")


async def test_of_twenty_at_once_one_comes_in(
    workspace: Workspace, services: Services, anonymous: Client
) -> None:
    token = await link(workspace, max_uses=1)
    clients = [(await newcomer(services, anonymous, f"Guest {n}"))[1] for n in range(20)]
    answers = await asyncio.gather(*(accept(one, token) for one in clients))
    assert sorted(one.status_code for one in answers) == [200, *[410] * 19]
    members = services.database.collection(Membership)
    query = {"workspace_id": workspace.id, "display_name": {"$regex": "^Guest "}}
    assert await members.count_documents(query) == 1


async def test_an_account_comes_in_once(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    made = await invite(workspace, max_uses=20)
    answers = await asyncio.gather(*(accept(invited[1], token_of(made)) for _ in range(20)))
    assert sorted(one.status_code for one in answers) == [200, *[409] * 19]
    assert ok(await workspace.api.get(f"/invitations/{made['id']}"))["uses"] == 1


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
async def test_a_member_stays_what_they_are(workspace: Workspace, services: Services, role: str) -> None:
    lower, higher = await link(workspace, role="guest"), await link(workspace, role="owner")
    client = {"owner": workspace.api, "admin": workspace.admin, "member": workspace.member}[role]
    async with unchanged(services, workspace):
        for token in (lower, higher):
            problem = refused(await accept(client, token), 409, "already_exists")
            assert problem["errors"][0]["pointer"] == "/token"


async def test_used_up(workspace: Workspace, services: Services, anonymous: Client) -> None:
    token = await link(workspace, max_uses=2)
    for _ in range(2):
        ok(await accept((await newcomer(services, anonymous))[1], token))
    _, late = await newcomer(services, anonymous)
    async with unchanged(services, workspace):
        refused(await accept(late, token), 410, "invalid_link")


async def test_expired(
    workspace: Workspace, services: Services, invited: tuple[User, Client], clock: TestClock
) -> None:
    token = await link(workspace)
    clock.forward(days=7, seconds=-30)
    client = workspace.api.as_(await log_in(services, invited[0])).at("")
    ok(await preview(client, token))
    clock.forward(seconds=31)
    refused(await accept(client, token), 410, "invalid_link")
    refused(await preview(client, token), 410, "invalid_link")
    found = services.database.collection(Membership)
    assert await found.find_one({"user_id": invited[0].id}) is None


async def test_an_expired_one_does_not_tell_for_whom_it_was(
    workspace: Workspace, services: Services, invited: tuple[User, Client], clock: TestClock
) -> None:
    email = f"{new_id()}@fluid.example"
    await invite(workspace, email=email)
    token = await mailed_token(services, email)
    refused(await accept(invited[1], token), 403, "wrong_account")
    clock.forward(days=7, seconds=1)
    client = workspace.api.as_(await log_in(services, invited[0])).at("")
    refused(await accept(client, token), 410, "invalid_link")


async def test_revoked(workspace: Workspace, services: Services, invited: tuple[User, Client]) -> None:
    made = await invite(workspace)
    ok(await workspace.admin.delete(f"/invitations/{made['id']}"), 204)
    async with unchanged(services, workspace):
        refused(await accept(invited[1], token_of(made)), 410, "invalid_link")


async def test_who_was_removed_comes_back_as_what_the_invitation_says(
    workspace: Workspace, invited: tuple[User, Client]
) -> None:
    member = ok(await accept(invited[1], await link(workspace, role="admin")))
    ok(await workspace.api.delete(f"/memberships/{member['id']}"))
    refused(await invited[1].get(workspace.api.base), 404, "not_found")
    again = ok(await accept(invited[1], await link(workspace, role="guest")))
    assert (again["id"], again["role"], again["removed_at"]) == (member["id"], "guest", None)


async def test_what_a_member_offered_ends_with_them(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    token, other = await link(workspace, workspace.admin), await link(workspace)
    ok(await workspace.api.delete(f"/memberships/{workspace.membership_ids['admin']}"))
    async with unchanged(services, workspace):
        refused(await accept(invited[1], token), 410, "invalid_link")
    ok(await accept(invited[1], other))


async def test_what_a_member_offered_stands_who_may_not_invite_any_more(
    workspace: Workspace, invited: tuple[User, Client]
) -> None:
    token = await link(workspace, workspace.admin)
    path = f"/memberships/{workspace.membership_ids['admin']}"
    ok(await workspace.api.patch(path, {"role": "guest"}))
    ok(await accept(invited[1], token))


async def test_anonymous_and_dead_logins(workspace: Workspace, services: Services, anonymous: Client) -> None:
    token = await link(workspace)
    async with unchanged(services, workspace):
        refused(await accept(anonymous, token), 401, "authentication_required")
        refused(await accept(anonymous.as_("x" * 43), token), 401, "invalid_token")


async def test_sent_again_it_answers_the_same(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    token, headers = await link(workspace, max_uses=1), {"Idempotency-Key": "in-once"}
    first = await accept(invited[1], token, headers=headers)
    ok(first)
    async with unchanged(services, workspace):
        again = await accept(invited[1], token, headers=headers)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["idempotency-replayed"] == "true"


async def test_a_trial_lets_nobody_in(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    token = await link(workspace, max_uses=1)
    async with unchanged(services, workspace):
        ok(await accept(invited[1], token, params={"dry_run": "true"}))
        refused(await invited[1].get(workspace.api.base), 404, "not_found")
    ok(await accept(invited[1], token))


async def test_a_second_factor_is_asked_for_at_the_door_not_here(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    token = await link(workspace)
    await services.database.raw("workspaces").update_one(
        {"_id": workspace.id}, {"$set": {"requires_second_factor": True}}
    )
    ok(await accept(invited[1], token))
    refused(await invited[1].get(workspace.api.base), 403, "second_factor_required")


async def test_a_placeholder_is_claimed_with_all_that_names_it(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    person = await placeholder(workspace, "H. Hazelton", "guest")
    task = await workspace.task(assignee_ids=[person], reporter_id=person)
    token = await link(workspace, membership_id=person, role="member")
    member = ok(await accept(invited[1], token))
    assert (member["id"], member["user_id"]) == (person, invited[0].id)
    assert (member["display_name"], member["role"]) == ("H. Hazelton", "member")
    mine = ok(await invited[1].get(f"{workspace.api.base}/tasks?assignee=me"))["items"]
    assert [one["id"] for one in mine] == [task["id"]]


async def test_a_placeholder_is_claimed_once(
    workspace: Workspace, services: Services, anonymous: Client, invited: tuple[User, Client]
) -> None:
    person = await placeholder(workspace)
    tokens = [await link(workspace, membership_id=person) for _ in range(2)]
    ok(await accept(invited[1], tokens[0]))
    _, other = await newcomer(services, anonymous)
    async with unchanged(services, workspace):
        refused(await accept(other, tokens[1]), 410, "invalid_link")


async def test_an_invitation_ends_with_its_placeholder(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    person = await placeholder(workspace)
    made = await invite(workspace, membership_id=person)
    ok(await workspace.api.delete(f"/memberships/{person}"))
    assert await stored(services, Invitation, made["id"]) is None
    refused(await accept(invited[1], token_of(made)), 410, "invalid_link")


@pytest.mark.parametrize("present", [True, False])
async def test_who_has_a_membership_claims_none(
    workspace: Workspace, services: Services, present: bool
) -> None:
    person = await placeholder(workspace)
    token = await link(workspace, membership_id=person)
    if not present:
        ok(await workspace.api.delete(f"/memberships/{workspace.membership_ids['member']}"))
    async with unchanged(services, workspace):
        refused(await accept(workspace.member, token), 409, "already_exists")


async def test_nothing_of_a_deleted_account_is_kept(
    workspace: Workspace, services: Services, invited: tuple[User, Client]
) -> None:
    user, client = invited
    made = await invite(workspace, email=user.email)
    token = await mailed_token(services, user.email)
    ok(await client.delete("/api/v1/me"), 204)
    refused(await preview(client, token), 410, "invalid_link")
    assert (
        ok(await workspace.api.get(f"/invitations/{made['id']}"))["email"]
        == f"{user.email[0]}***@fluid.example"
    )
    refused(await workspace.api.post(f"/invitations/{made['id']}/resend"), 409, "wrong_state")
