"""A merge that is interrupted, at any commit, is finished by whoever goes on; with real issues too."""

import gzip
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from app.core.unit_of_work import Context
from app.models.comments import Comment
from app.models.memberships import Membership
from app.models.tasks import Task
from app.services.bootstrap import Services
from app.services.integrity import check_workspace
from app.services.merges import engine as merging
from app.tests.support.archives import FULL, imported
from app.tests.support.clients import ok
from app.tests.support.conventions import stored
from app.tests.support.factories import Workspace
from app.tests.support.invitations import placeholder
from app.tests.support.jobs import hasten
from app.tests.support.replay import head

pytestmark = pytest.mark.anyio
SYSTEM = Context(
    {"kind": "system", "user_id": None, "membership_id": None},
    {"channel": "system", "client": None, "request_id": None},
)


class Killed(BaseException):
    """The process is gone: nothing catches it."""


async def left(services: Services, workspace: Workspace, person: str) -> int:
    """How many tasks and comments still name somebody."""
    tasks = {"$or": [{"assignee_ids": person}, {"reporter_id": person}, {"derived.lists": person}]}
    within = {"workspace_id": workspace.id}
    found = await services.database.collection(Task).count_documents(within | tasks)
    return found + await services.database.collection(Comment).count_documents(within | {"author_id": person})


def dying(services: Services, workspace: Workspace, commits: int, *, after: bool) -> Callable[..., Any]:
    """`Writers.run` of a process that is killed at its n-th commit there, before or after it."""
    run, count = services.writers.run, itertools.count(1)

    async def until_then(workspace_id: str, *args: Any) -> Any:
        # The worker may be at the job of a test before this one.
        last = workspace_id == workspace.id and next(count) == commits
        if last and not after:
            raise Killed
        outcome = await run(workspace_id, *args)
        if last:
            raise Killed
        return outcome

    return until_then


async def finish(services: Services, workspace: Workspace, person: str) -> None:
    """What the merge's job does."""
    await services.merges.finish({"payload": {"workspace_id": workspace.id, "membership_id": person}})


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("commits", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("way", ["again", "job"])
async def test_a_kill_at_any_commit(
    workspace: Workspace,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    commits: int,
    after: bool,
    way: str,
) -> None:
    monkeypatch.setattr(merging, "BATCH", 2)
    person, member = await placeholder(workspace), workspace.membership_ids["member"]
    for _ in range(5):
        await workspace.task(reporter_id=person, assignee_ids=[person])
    owner = workspace.users["owner"]
    scope = await services.access.act_for(owner, workspace.id, {"channel": "cli"})
    with monkeypatch.context() as patched:
        patched.setattr(services.writers, "run", dying(services, workspace, commits, after=after))
        with pytest.raises(Killed):
            await services.merges.merge(scope, person, member)
    begun = (await stored(services, Membership, person) or {})["merged_into_id"] is not None
    assert begun is (commits > 1 or after)
    await hasten(services.database)
    if way == "again" or not begun:
        await services.merges.merge(scope, person, member)
    else:
        await finish(services, workspace, person)
    assert await left(services, workspace, person) == 0
    kept = await stored(services, Membership, person)
    assert kept is not None
    assert (kept["merging"], kept["merged_into_id"]) == (False, member)
    seq = await head(services.database, workspace.id)
    assert (await check_workspace(services.database, workspace.id, seq)).good
    await finish(services, workspace, person)
    assert await head(services.database, workspace.id) == seq


async def test_one_that_was_merged_into_meanwhile(
    workspace: Workspace, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first merge was cut off before its tasks; its target has become somebody else since."""
    first, second = await placeholder(workspace, "Y. Z."), await placeholder(workspace)
    member = workspace.membership_ids["member"]
    task = await workspace.task(reporter_id=first)
    scope = await services.access.act_for(workspace.users["owner"], workspace.id, {"channel": "cli"})
    with monkeypatch.context() as patched:
        patched.setattr(services.writers, "run", dying(services, workspace, 1, after=True))
        with pytest.raises(Killed):
            await services.merges.merge(scope, first, second)
    await hasten(services.database)
    await services.merges.merge(scope, second, member)
    await finish(services, workspace, first)
    kept = await stored(services, Task, task["id"])
    assert kept is not None
    assert kept["reporter_id"] == member


@pytest.mark.skipif(not FULL.exists(), reason="the archive of real issues is not on this machine")
async def test_the_busiest_of_real_people(
    workspace: Workspace, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = FULL.read_bytes()
    issues = [orjson.loads(line) for line in gzip.decompress(data).splitlines()]
    (name, reported), *_ = Counter(one["reporter"] for one in issues if one["reporter"]).most_common(1)
    run = await imported(workspace.api, data)
    assert run["state"] == "done", run
    found = await services.database.collection(Membership).find_one(
        {"workspace_id": workspace.id, "display_name": name, "user_id": None}
    )
    assert found is not None
    person, member = found["_id"], workspace.membership_ids["member"]
    many = await left(services, workspace, person)
    assert many > reported > 1000
    scope = await services.access.act_for(workspace.users["owner"], workspace.id, {"channel": "cli"})
    with monkeypatch.context() as patched:
        patched.setattr(services.writers, "run", dying(services, workspace, 4, after=True))
        with pytest.raises(Killed):
            await services.merges.merge(scope, person, member)
    rest, seq = await left(services, workspace, person), await head(services.database, workspace.id)
    assert 0 < rest < many
    ok(await workspace.api.post(f"/memberships/{person}/merge", {"into_id": member}))
    commits = await head(services.database, workspace.id) - seq
    assert await left(services, workspace, person) == 0
    assert commits <= rest / merging.BATCH + 2
