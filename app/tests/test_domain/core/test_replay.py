"""The replay law, for every command: snapshot at S + events (S, T] == snapshot at T, and back again."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import app.services
from app.core.documents import Doc
from app.models import ENTITIES
from app.services.bootstrap import Services
from app.tests.support.archives import EXCERPT, imported
from app.tests.support.clients import Answer, ok, refused
from app.tests.support.factories import Workspace
from app.tests.support.replay import State, events_after, head, replay, snapshot, walk_back
from app.tests.support.scenarios import SCENARIOS, Elsewhere

pytestmark = pytest.mark.anyio

NOT_UNDOABLE = frozenset(
    {
        *("invitation.accept", "invitation.resend", "link.create", "link.delete", "link.update"),
        *("membership.create", "membership.merge", "project.create", "workspace.create"),
    }
)
"""Nobody could do the inverse by hand either: a project is archived, a membership is ended."""
AT_LOGINS = {"membership.follow"}
"""Commands that no route of a workspace runs: `test_group_roles.py` holds them to the law."""
IMPORTED = frozenset({"import.issue", "import.labels", "import.people", "import.project"})
"""One request runs them all."""
ERASING = frozenset({"membership.erase"})
"""It rewrites what the log says of before: its law is in test_domain/accounts."""
BOOKKEEPING = frozenset({"version", "updated_at"})
every_command = pytest.mark.parametrize("command", sorted(SCENARIOS))


def command_names() -> Iterator[str]:
    """Every name that the services give a command: first arguments, and texts that look like them."""
    for path in Path(app.services.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "Command":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield str(first.value)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                kind, dot, verb = node.value.partition(".")
                if dot and kind in ENTITIES and verb.isidentifier():
                    yield node.value


async def test_every_command_has_a_scenario() -> None:
    names = set(command_names())
    assert "project.unarchive" in names
    assert names == set(SCENARIOS) | IMPORTED | AT_LOGINS | ERASING


class Law:
    """A workspace's state before and after a request, and the events between."""

    def __init__(self, services: Services, workspace_id: str) -> None:
        self._database = services.database
        self._workspace_id = workspace_id
        self.before: State = {}
        self.after: State = {}
        self.events: list[Doc] = []

    async def begin(self) -> "Law":
        self._seq = await head(self._database, self._workspace_id)
        self.before = await snapshot(self._database, self._workspace_id)
        return self

    async def check(self, answer: Answer) -> None:
        """The law holds for what the request did, from there and from the beginning."""
        ok(answer)
        self.after = await snapshot(self._database, self._workspace_id)
        self.events = await events_after(self._database, self._workspace_id, self._seq)
        assert replay(self.before, self.events) == self.after
        assert walk_back(self.after, self.events) == self.before
        log = await events_after(self._database, self._workspace_id)
        assert replay({}, log) == self.after
        assert walk_back(self.after, log) == {}
        assert [one["seq"] for one in log] == list(
            range(1, await head(self._database, self._workspace_id) + 1)
        )

    def check_event(self, command: str) -> None:
        """One event, of this command, whose audiences and references are those of the documents."""
        (event,) = self.events
        assert event["command"] == command
        assert event["source"]["channel"] == "http"
        refs: set[str] = set()
        for op in event["ops"]:
            model, key = ENTITIES[op["kind"]], (op["kind"], op["id"])
            for state, groups in ((self.before, "groups_before"), (self.after, "groups_after")):
                doc = None if key not in state else {**state[key], "_id": op["id"]}
                assert op[groups] == ([] if doc is None else model.groups(doc))
                refs.update([] if doc is None else model.refs(doc))
        assert refs <= set(event["refs"])


async def run(command: str, services: Services, workspace: Workspace) -> Law:
    found = await SCENARIOS[command](workspace)
    elsewhere = found if isinstance(found, Elsewhere) else Elsewhere(workspace.id, found)
    law = await Law(services, elsewhere.workspace_id).begin()
    await law.check(await elsewhere.request())
    law.check_event(command)
    return law


def content(state: State) -> State:
    """What people see changing."""
    return {
        key: {name: value for name, value in doc.items() if name not in BOOKKEEPING}
        for key, doc in state.items()
    }


@every_command
async def test_the_log_says_what_the_command_did(
    command: str, services: Services, workspace: Workspace
) -> None:
    law = await run(command, services, workspace)
    assert law.after != law.before


@every_command
async def test_an_undo_takes_it_back_and_the_log_says_so(
    command: str, services: Services, workspace: Workspace
) -> None:
    done = await run(command, services, workspace)
    seq = done.events[0]["seq"]
    api = workspace.api.at(f"/api/v1/workspaces/{done.events[0]['workspace_id']}")
    undo = await Law(services, done.events[0]["workspace_id"]).begin()
    answer = await api.post(f"/events/{seq}/undo")
    if command in NOT_UNDOABLE:
        assert refused(answer, 409, "undo_conflict")["detail"]
        assert await snapshot(services.database, done.events[0]["workspace_id"]) == undo.before
        return
    await undo.check(answer)
    undo.check_event("event.undo")
    if command == "task.create":
        (key,) = content(undo.after).keys() - content(done.before).keys()
        assert undo.after[key]["trashed_at"] is not None
    else:
        assert content(undo.after) == content(done.before)

    # And the undo is a change like any other.
    redo = await Law(services, done.events[0]["workspace_id"]).begin()
    await redo.check(await api.post(f"/events/{seq + 1}/undo"))
    redo.check_event("event.undo")
    assert content(redo.after) == content(done.after)


async def test_the_log_says_what_an_import_did(services: Services, workspace: Workspace) -> None:
    law = await Law(services, workspace.id).begin()
    run = await imported(workspace.api, EXCERPT.read_bytes())
    assert run["state"] == "done"
    await law.check(await workspace.api.get(f"/imports/{run['id']}"))
    assert {event["command"] for event in law.events} == IMPORTED
    assert {event["actor"]["kind"] for event in law.events} == {"import"}
    assert len(law.after) > len(law.before) + 42


async def test_the_law_holds_for_all_commands_one_after_the_other(
    services: Services, workspace: Workspace
) -> None:
    """A long history: any point of it can be reached from any other."""
    for command in ("status.delete", "task.move", "task.create", "status.move", "comment.delete"):
        found = await SCENARIOS[command](workspace)
        assert not isinstance(found, Elsewhere)
        ok(await found())
        labels = ok(await workspace.api.get("/labels"))["items"]
        for label in labels:
            ok(await workspace.api.delete(f"/labels/{label['id']}"))
    now = await snapshot(services.database, workspace.id)
    log = await events_after(services.database, workspace.id)
    assert len(log) >= 19
    for cut in range(len(log) + 1):
        then = replay({}, log[:cut])
        assert walk_back(now, log[cut:]) == then
        assert replay(then, log[cut:]) == now
