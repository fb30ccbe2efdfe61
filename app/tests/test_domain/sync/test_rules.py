"""From any view to any other, over any history: what is told makes of what was seen what is seen."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pastis_client.replica import Frame, Replica

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.services.access.standing import People
from app.services.sync.reach import Reach, View, difference
from app.services.sync.rules import Cursor, changes, projects_made, read_cursor, whole
from app.tests.support.depth import examples

PROJECTS = ("P1", "P2", "P3")
TASKS = ("T1", "T2", "T3")
MEMBERS = ("M1", "M2")
State = dict[tuple[str, str], Doc]


class History:
    """Documents, and the events that made them so."""

    def __init__(self) -> None:
        self.state: State = {}
        self.events: list[Doc] = []

    @property
    def seq(self) -> int:
        return len(self.events)

    def project_of(self, kind: str, doc: Doc) -> str | None:
        match kind:
            case "project":
                return str(doc["id"])
            case "task":
                return str(doc["project_id"])
            case "comment":
                return str(self.state["task", doc["task_id"]]["project_id"])
        return None

    def write(self, *changed: tuple[str, str, Doc | None]) -> None:
        """One command: each document with its new values, None where it goes."""
        seq = self.seq + 1
        ops = [self._write(seq, *one) for one in changed]
        for op in ops:
            now = self.state.get((op["kind"], op["id"]))
            some = op["before"] if now is None else now
            op["project_id"] = self.project_of(op["kind"], some)
        self.events.append({"seq": seq, "actor": {"membership_id": "M1"}, "ops": ops})

    def _write(self, seq: int, kind: str, id_: str, values: Doc | None) -> Doc:
        key, before = (kind, id_), self.state.get((kind, id_))
        op: Doc = {"kind": kind, "id": id_, "version": seq}
        task = f"task:{(values or before or {}).get('task_id')}"
        op |= {"groups_before": [task] if before else [], "groups_after": [task] if values else []}
        if values is None:
            assert before is not None
            del self.state[key]
            return op | {"verb": "delete", "set": {}, "before": before}
        values = values | {"version": seq}
        self.state[key] = {"id": id_, **(before or {}), **values}
        if before is None:
            return op | {"verb": "create", "set": self.state[key], "before": {}}
        return op | {"verb": "update", "set": values, "before": {name: before.get(name) for name in values}}

    def seen(self, view: View) -> State:
        return {
            (kind, id_): doc
            for (kind, id_), doc in self.state.items()
            if view.reach.sees(kind, side(doc), self.project_of(kind, doc))
        }


def side(doc: Doc) -> Doc:
    return {"_id": doc["id"], "role": doc.get("role")}


def act(history: History, choice: tuple[int, int, int]) -> None:
    """One of the things that people do, whichever can be done."""
    what, one, other = choice
    task, project, member = TASKS[one], PROJECTS[other], MEMBERS[one % 2]
    state = history.state
    if ("project", project) not in state:
        history.write(("project", project, {"name": project}))
    elif what == 0 or ("task", task) not in state:
        history.write(("task", task, {"project_id": project, "title": f"at {history.seq}"}))
    elif what == 1:
        history.write(("task", task, {"title": f"at {history.seq}"}))
    elif what == 2 and ("comment", task) in state:
        history.write(("comment", task, None))
    elif what == 2:
        history.write(("comment", task, {"task_id": task, "body": f"at {history.seq}"}))
    elif what == 3:
        role = "guest" if state.get(("membership", member), {}).get("role") == "member" else "member"
        history.write(("membership", member, {"role": role}))
    elif what == 4:  # a command may do several things, also both to the same place
        history.write(
            ("task", task, {"project_id": project}),
            ("comment", f"C{history.seq}", {"task_id": task, "body": ""}),
        )
    else:
        history.write(("label", "L1", {"name": f"at {history.seq}"}))


LEVELS = ("project", "task", "comment")
"""Nobody sees one without those before it."""
kinds = st.integers(0, 3).map(lambda level: frozenset(LEVELS[:level]))
people = st.none() | st.builds(People, st.sets(st.sampled_from(MEMBERS)).map(frozenset), st.booleans())
reaches = st.builds(
    Reach,
    st.sets(st.sampled_from(["membership", "label"])).map(frozenset),
    st.dictionaries(st.sampled_from(PROJECTS), kinds.filter(bool)),
    people,
)
acts = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 2)), max_size=12)


def replica_of(state: State) -> Replica:
    replica = Replica("e", 0, "")
    for (kind, id_), doc in state.items():
        replica.docs.setdefault(kind, {})[id_] = doc
    return replica


def held(replica: Replica) -> State:
    return {(kind, id_): doc for kind, docs in replica.docs.items() for id_, doc in docs.items()}


def role_of(history: History) -> Callable[[str], str]:
    return lambda id_: str(history.state.get(("membership", id_), {}).get("role", "guest"))


def told(history: History, since: int, before: View, now: View) -> list[Doc]:
    """What `catch_up` tells, with the documents of the history in the place of the database's."""
    events = history.events[since:]
    step = difference(before, now, projects_made(events))
    found = changes(events, step.kept, role_of(history))
    gained = history.seen(View(step.gained))
    tasks = {id_ for kind, id_ in found.arrived if kind == "task"}
    looked_up = {
        key: doc
        for key, doc in history.seen(now).items()
        if key in found.arrived or (key[0] == "comment" and doc["task_id"] in tasks)
    }
    docs = [whole(key[0], doc, now) for key, doc in (gained | looked_up).items()]
    return [*step.lost, *found.ops, *docs]


@pytest.mark.hypothesis
@settings(max_examples=examples(400))
@given(first=acts, then=acts, a=reaches, b=reaches)
def test_what_was_seen_becomes_what_is_seen(first: Any, then: Any, a: Reach, b: Reach) -> None:
    # Projects come with nothing in them, so that nobody saw before what is in one that is made later.
    history = History()
    for choice in first:
        act(history, choice)
    before = View(within(history, a))
    replica, since = replica_of(history.seen(before)), history.seq
    for choice in then:
        act(history, choice)
    now = View(within(history, b))
    ops = told(history, since, before, now)
    assert allowed(ops, history, now)
    replica.apply(Frame("e", 0, history.seq, "c", tuple(ops)))
    assert held(replica) == history.seen(now)


@pytest.mark.hypothesis
@settings(max_examples=examples(400))
@given(first=acts, then=acts, reach=reaches)
def test_event_by_event_or_at_once_comes_to_the_same(first: Any, then: Any, reach: Reach) -> None:
    history = History()
    for project in PROJECTS:
        history.write(("project", project, {"name": project}))
    for choice in first:
        act(history, choice)
    view = View(reach)
    at_once, one_by_one = replica_of(history.seen(view)), replica_of(history.seen(view))
    since = history.seq
    for choice in then:
        act(history, choice)
        ops = told(history, history.seq - 1, view, view)
        one_by_one.apply(Frame("e", one_by_one.number, one_by_one.number + 1, "c", tuple(ops)))
    at_once.apply(Frame("e", 0, 1, "c", tuple(told(history, since, view, view))))
    assert held(at_once) == held(one_by_one) == history.seen(view)


def within(history: History, reach: Reach) -> Reach:
    """Nobody has rights in what is not there yet."""
    made = {id_ for kind, id_ in history.state if kind == "project"}
    return Reach(reach.workspace, {id_: k for id_, k in reach.projects.items() if id_ in made}, reach.people)


def allowed(ops: list[Doc], history: History, now: View) -> bool:
    """No values of what is not to be seen in the end."""
    seen = history.seen(now)
    gone = {(op["kind"], op["id"]) for op in ops if op["verb"] == "delete"}
    return all((op["kind"], op["id"]) in seen or (op["kind"], op["id"]) in gone for op in ops if "set" in op)


def test_equal_views_have_equal_digests() -> None:
    def view(order: list[str], **more: Any) -> View:
        return View(Reach(frozenset(order), {id_: frozenset(order) for id_ in order}), **more)

    one = view(["a", "b"])
    assert one.digest == view(["b", "a"]).digest
    others = [
        view(["a"]),
        view(["a", "b"], visitor=True),
        view(["a", "b"], fields={"task": frozenset({"title"})}),
        View(Reach(one.reach.workspace, one.reach.projects, People(frozenset(), open=True))),
        View(Reach(one.reach.workspace, one.reach.projects, People(frozenset(), open=False))),
    ]
    assert len({one.digest, *(other.digest for other in others)}) == len(others) + 1


@given(st.integers(0, 10**17))
def test_a_cursor_is_read_as_it_was_written(seq: int) -> None:
    cursor = Cursor("0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01", seq, "0" * 18)
    assert read_cursor(str(cursor)) == cursor


@given(st.text(max_size=60))
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(PastisError) as caught:
        read_cursor(text)
    assert caught.value.code is ErrorCode.INVALID_CURSOR
