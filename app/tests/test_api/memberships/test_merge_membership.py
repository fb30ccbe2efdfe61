"""Merging a placeholder into somebody who is there."""

from typing import Any

import pytest

from app.core.documents import public
from app.core.log import Event
from app.models import ENTITIES
from app.models.grants import Grant
from app.models.memberships import Membership
from app.services.bootstrap import Services
from app.services.integrity import check_workspace
from app.tests.support.archives import EXCERPT, imported, issue, lines
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import check_denied, check_dry_run, check_preconditions, stored, unchanged
from app.tests.support.factories import Workspace
from app.tests.support.invitations import accept, invite, link, newcomer, placeholder, token_of
from app.tests.support.replay import events_after, head, replay, snapshot, walk_back
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def merge(workspace: Workspace, person: str, into: str, client: Client | None = None) -> Answer:
    return await (client or workspace.api).post(f"/memberships/{person}/merge", {"into_id": into})


async def named_everywhere(workspace: Workspace, person: str) -> dict[str, Any]:
    """Everything that can name somebody names this one; gives the task."""
    api = workspace.api
    task = await workspace.task(assignee_ids=[person, workspace.membership_ids["admin"]], reporter_id=person)
    for action in ("archive", "trash"):
        put_away = await workspace.task(reporter_id=person)
        path = f"/tasks/{put_away['id']}"
        ok(await (api.delete(path) if action == "trash" else api.post(f"{path}/archive")))
    ok(await api.post("/teams", {"name": "Design", "member_ids": [person]}), 201)
    ok(await workspace.grant("lead", membership_id=person), 201)
    ok(await api.patch("/projects/FLUID", {"lead_id": person}))
    return task


async def names(services: Services, workspace: Workspace, person: str) -> set[str]:
    """The kinds of documents, other than the membership itself, that name somebody in any field."""
    found = set()
    for kind, model in ENTITIES.items():
        docs = await services.database.collection(model).find({"workspace_id": workspace.id}).to_list()
        if any(person in str(public(model, doc)) for doc in docs if doc["_id"] != person):
            found.add(kind)
    return found


async def test_all_that_named_it_names_the_other(workspace: Workspace, services: Services) -> None:
    person, member = await placeholder(workspace), workspace.membership_ids["member"]
    task = await named_everywhere(workspace, person)
    comment = await workspace.comment(task)
    await services.database.raw("comments").update_one(
        {"_id": comment["id"]}, {"$set": {"author_id": person}}
    )
    await services.database.raw("events").delete_many({"refs": comment["id"]})
    await invite(workspace, membership_id=person)
    services.writers.recent.of(workspace.id).forget()
    assert await names(services, workspace, person) == {
        *("comment", "grant", "invitation", "project", "task", "team")
    }
    answer = await merge(workspace, person, member, workspace.admin)
    merged = ok(answer, 200)
    assert (merged["id"], merged["merged_into_id"]) == (person, member)
    assert merged["removed_at"] is not None
    assert merged["display_name"] == "Yura Zenevich"
    assert await names(services, workspace, person) == set()
    now = ok(await workspace.api.get(f"/tasks/{task['id']}"))
    assert now["reporter_id"] == member
    assert now["assignee_ids"] == [member, workspace.membership_ids["admin"]]
    kept = await stored(services, Membership, person)
    assert kept is not None
    assert kept["merging"] is False
    mine = ok(await workspace.member.get("/tasks?assignee=me"))["items"]
    assert [one["id"] for one in mine] == [task["id"]]


async def test_who_has_it_already_has_it_once(workspace: Workspace, services: Services) -> None:
    person, member = await placeholder(workspace), workspace.membership_ids["member"]
    task = await workspace.task(assignee_ids=[member, person])
    team = ok(await workspace.api.post("/teams", {"name": "Design", "member_ids": [person, member]}), 201)
    ok(await workspace.grant("lead", membership_id=person), 201)
    ok(await workspace.grant("viewer", membership_id=member), 201)
    ok(await merge(workspace, person, member))
    assert ok(await workspace.api.get(f"/tasks/{task['id']}"))["assignee_ids"] == [member]
    assert ok(await workspace.api.get(f"/teams/{team['id']}"))["member_ids"] == [member]
    grants = await services.database.collection(Grant).find({"workspace_id": workspace.id}).to_list()
    assert [(one["holder_id"], one["role"]) for one in grants] == [(member, "viewer")]


async def test_the_log_adds_up_and_names_who_did_it(workspace: Workspace, services: Services) -> None:
    run = await imported(workspace.api, EXCERPT.read_bytes())
    assert run["state"] == "done"
    people = ok(await workspace.api.get("/memberships?limit=200"))["items"]
    persons = [one["id"] for one in people if one["user_id"] is None][:5]
    before, seq = await snapshot(services.database, workspace.id), await head(services.database, workspace.id)
    for person in persons:
        ok(await merge(workspace, person, workspace.membership_ids["member"], workspace.admin))
    after = await snapshot(services.database, workspace.id)
    events = await events_after(services.database, workspace.id, seq)
    assert {one["command"] for one in events} == {"membership.merge"}
    assert {one["actor"]["membership_id"] for one in events} == {workspace.membership_ids["admin"]}
    assert len(events) > len(persons)
    assert replay(before, events) == after
    assert walk_back(after, events) == before
    assert (await check_workspace(services.database, workspace.id, seq + len(events))).good
    for event in events:
        refused(await workspace.api.post(f"/events/{event['seq']}/undo"), 409, "undo_conflict")
    # Whoever imports the file again finds the same people.
    again = await imported(workspace.api, EXCERPT.read_bytes())
    assert (again["state"], again["created"]) == ("done", 0)
    assert not any([await names(services, workspace, person) for person in persons])


async def test_a_later_import_gives_to_the_other(workspace: Workspace, services: Services) -> None:
    issues = [issue(f"OLD-{number}", reporter="Joanna Vass") for number in (1, 2)]
    assert (await imported(workspace.api, lines(issues[0])))["state"] == "done"
    people = ok(await workspace.api.get("/memberships"))["items"]
    person = next(one["id"] for one in people if one["display_name"] == "Joanna Vass")
    member = workspace.membership_ids["member"]
    ok(await merge(workspace, person, member))
    await imported(workspace.api, lines(*issues))
    tasks = ok(await workspace.api.get("/tasks?project=OLD"))["items"]
    assert {one["reporter_id"] for one in tasks} == {member}
    assert len(tasks) == 2


async def test_again_does_nothing_and_elsewhere_is_refused(workspace: Workspace, services: Services) -> None:
    person, member = await placeholder(workspace), workspace.membership_ids["member"]
    first = ok(await merge(workspace, person, member))
    async with unchanged(services, workspace):
        assert ok(await merge(workspace, person, member)) == first
        answer = await merge(workspace, person, workspace.membership_ids["admin"])
        refused(answer, 404, "not_found")


async def test_of_placeholders_merged_one_after_the_other_the_last_has_it_all(workspace: Workspace) -> None:
    first, second = await placeholder(workspace, "Y. Z."), await placeholder(workspace)
    task = await workspace.task(reporter_id=first)
    ok(await merge(workspace, first, second))
    assert ok(await workspace.api.get(f"/tasks/{task['id']}"))["reporter_id"] == second
    member = workspace.membership_ids["member"]
    ok(await merge(workspace, second, member))
    assert ok(await workspace.api.get(f"/tasks/{task['id']}"))["reporter_id"] == member
    assert ok(await workspace.api.get(f"/memberships/{first}"))["merged_into_id"] == member


async def test_only_placeholders_are_merged_and_only_into_who_is_there(
    workspace: Workspace, other_workspace: Workspace, services: Services, anonymous: Client
) -> None:
    person, gone = await placeholder(workspace), await placeholder(workspace, "Gone")
    ok(await workspace.api.delete(f"/memberships/{gone}"))
    claimed = await placeholder(workspace, "Claimed")
    _, client = await newcomer(services, anonymous)
    ok(await accept(client, await link(workspace, membership_id=claimed)))
    service = ok(await workspace.api.post("/memberships", {"display_name": "CI", "type": "service"}), 201)[
        "id"
    ]
    ids, foreign = workspace.membership_ids, other_workspace.membership_ids["member"]
    async with unchanged(services, workspace, other_workspace):
        for whom in (ids["member"], ids["owner"], claimed, service):
            problem = refused(await merge(workspace, whom, ids["admin"]), 409, "wrong_state")
            assert "the member is no placeholder" in problem["detail"]
        for whom, into in ((gone, ids["member"]), (person, gone), (person, new_id()), (person, foreign)):
            refused(await merge(workspace, whom, into), 404, "not_found")
        refused(await merge(workspace, foreign, ids["member"]), 404, "not_found")
        problem = refused(await merge(workspace, person, person), 422, "validation_failed")
        assert [one["pointer"] for one in problem["errors"]] == ["/into_id"]


async def test_nobody_reaches_above_their_own_role(workspace: Workspace, services: Services) -> None:
    person, owning = await placeholder(workspace), await placeholder(workspace, "Of old", "owner")
    ids = workspace.membership_ids
    async with unchanged(services, workspace):
        for whom, into in ((person, ids["owner"]), (owning, ids["member"])):
            refused(await merge(workspace, whom, into, workspace.admin), 403, "permission_denied")


async def test_members_and_strangers_may_not(workspace: Workspace, services: Services) -> None:
    person = await placeholder(workspace)

    async def send(client: Client) -> Answer:
        body = {"into_id": workspace.membership_ids["member"]}
        return await client.post(f"/memberships/{person}/merge", body)

    await check_denied(services, workspace, send)


async def test_preconditions_and_trials(workspace: Workspace, services: Services) -> None:
    async def made() -> tuple[str, Any]:
        person = await placeholder(workspace)
        await workspace.task(reporter_id=person)
        body = {"into_id": workspace.membership_ids["member"]}

        async def send(**options: Any) -> Answer:
            return await workspace.api.post(f"/memberships/{person}/merge", body, **options)

        return person, send

    person, send = await made()
    current = ok(await workspace.api.get(f"/memberships/{person}"))
    await check_preconditions(services, workspace, send, current)
    person, send = await made()
    await check_dry_run(services, workspace, send)
    assert await names(services, workspace, person) == set()


async def test_sent_again_with_a_key_it_answers_the_same(workspace: Workspace, services: Services) -> None:
    person, headers = await placeholder(workspace), {"Idempotency-Key": "merge-once"}
    await workspace.task(reporter_id=person)
    path, body = f"/memberships/{person}/merge", {"into_id": workspace.membership_ids["member"]}
    first = await workspace.api.post(path, body, headers=headers)
    ok(first)
    count = await services.database.collection(Event).count_documents({"workspace_id": workspace.id})
    again = await workspace.api.post(path, body, headers=headers)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert await services.database.collection(Event).count_documents({"workspace_id": workspace.id}) == count


async def test_an_invitation_to_become_it_ends(
    workspace: Workspace, services: Services, anonymous: Client
) -> None:
    person = await placeholder(workspace)
    made = await invite(workspace, membership_id=person)
    ok(await merge(workspace, person, workspace.membership_ids["member"]))
    refused(await accept((await newcomer(services, anonymous))[1], token_of(made)), 410, "invalid_link")
