"""The replica under any frames: it is what the server showed at its number, or says what it missed."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pastis_client.errors import ProtocolError
from pastis_client.replica import CutError, ForeignEpochError, Frame, MissedError, Replica, Snapshot

from app.tests.support.depth import examples

PROJECTS = ("p0", "p1")
Docs = dict[str, dict[str, dict[str, Any]]]


class Server:
    """What there is, what one may see of it, and the frames that tell of each change of either."""

    def __init__(self) -> None:
        self.number = 0
        self.docs: dict[tuple[str, str], dict[str, Any]] = {}
        self.seen: set[tuple[str, str]] = set()
        self.frames: list[Frame] = []
        self.shown: list[Docs] = [{}]

    def act(self, what: str, choice: int) -> None:
        ops = getattr(self, what)(choice)
        self.number += 1
        self.frames.append(Frame("e", self.number - 1, self.number, f"e.{self.number}.x", tuple(ops)))
        self.shown.append(self._visible())

    def create_task(self, choice: int) -> list[dict[str, Any]]:
        return self._add("task", {"project_id": PROJECTS[choice % 2], "title": f"t{choice}"})

    def create_comment(self, choice: int) -> list[dict[str, Any]]:
        tasks = sorted(id_ for kind, id_ in self.seen if kind == "task")
        return self._add("comment", {"task_id": tasks[choice % len(tasks)], "body": "b"}) if tasks else []

    def update(self, choice: int) -> list[dict[str, Any]]:
        key = self._pick(self.docs, choice)
        if key is None:
            return []
        fields = {"title": f"new{choice}", "version": self.number + 1}
        self.docs[key] = {**self.docs[key], **fields}
        return [self._op("update", key, set=fields)] if key in self.seen else []

    def delete(self, choice: int) -> list[dict[str, Any]]:
        key = self._pick(self.seen - {key for key in self.docs if self._comments_of(key)}, choice)
        if key is None:
            return []
        self._hide([key])
        del self.docs[key]
        return [{"verb": "delete", "kind": key[0], "id": key[1], "version": self.number + 1}]

    def purge_one(self, choice: int) -> list[dict[str, Any]]:
        key = self._pick(self.seen, choice)
        if key is None:
            return []
        self._hide([key, *self._comments_of(key)])
        return [{"verb": "purge", "kind": key[0], "id": key[1]}]

    def purge_project(self, choice: int) -> list[dict[str, Any]]:
        project = PROJECTS[choice % 2]
        tasks = [key for key, doc in self.docs.items() if doc.get("project_id") == project]
        self._hide([*tasks, *(comment for task in tasks for comment in self._comments_of(task))])
        return [{"verb": "purge", "kind": kind, "project_id": project} for kind in ("comment", "task")]

    def purge_kind(self, choice: int) -> list[dict[str, Any]]:
        self._hide([key for key in self.docs if key[0] == "comment"])
        return [{"verb": "purge", "kind": "comment"}]

    def win(self, choice: int) -> list[dict[str, Any]]:
        """All that is hidden comes back, tasks before their comments."""
        hidden = sorted(self.docs.keys() - self.seen, key=lambda key: (key[0] == "comment", key))
        self.seen |= set(hidden)
        return [self._op("create", key, set=self.docs[key]) for key in hidden]

    def _add(self, kind: str, fields: dict[str, Any]) -> list[dict[str, Any]]:
        version = self.number + 1
        key = (kind, f"{kind[0]}{version}")
        self.docs[key] = {"id": key[1], "version": version, **fields}
        self.seen.add(key)
        return [self._op("create", key, set=self.docs[key])]

    def _op(self, verb: str, key: tuple[str, str], **more: Any) -> dict[str, Any]:
        version = self.docs[key]["version"]
        return {"verb": verb, "kind": key[0], "id": key[1], "version": version, "by": None, "new": 1, **more}

    def _pick(self, keys: Any, choice: int) -> tuple[str, str] | None:
        return sorted(keys)[choice % len(keys)] if keys else None

    def _comments_of(self, key: tuple[str, str]) -> list[tuple[str, str]]:
        return [
            other for other, doc in self.docs.items() if key[0] == "task" and doc.get("task_id") == key[1]
        ]

    def _hide(self, keys: list[tuple[str, str]]) -> None:
        self.seen -= set(keys)

    def _visible(self) -> Docs:
        shown: Docs = {}
        for kind, id_ in self.seen:
            shown.setdefault(kind, {})[id_] = self.docs[kind, id_]
        return shown


ACTIONS = (
    "create_task",
    "create_comment",
    "update",
    "delete",
    "purge_one",
    "purge_project",
    "purge_kind",
    "win",
)


@st.composite
def servers(draw: st.DrawFn) -> Server:
    server = Server()
    for choice in range(2):
        server.act("create_task", choice)
        server.act("create_comment", choice)
    for what, choice in draw(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 9)), max_size=25)):
        server.act(what, choice)
    return server


def held(replica: Replica) -> Docs:
    return {kind: docs for kind, docs in replica.docs.items() if docs}


def joined(frames: list[Frame]) -> Frame:
    ops = tuple(op for frame in frames for op in frame.ops)
    return Frame("e", frames[0].since, frames[-1].to, frames[-1].cursor, ops)


@given(servers(), st.lists(st.integers(0, 30), max_size=40))
@settings(max_examples=examples(200))
def test_frames_in_any_order_are_taken_dropped_or_missed(server: Server, order: list[int]) -> None:
    replica = Replica("e", 0, "e.0.x")
    for choice in [*order, *range(len(server.frames))]:
        if not server.frames:
            break
        frame = server.frames[choice % len(server.frames)]
        former, number = held(replica), replica.number
        try:
            changed = replica.apply(frame)
        except MissedError:
            assert frame.since > number
            assert held(replica) == former
        else:
            assert changed or held(replica) == former
        assert held(replica) == server.shown[replica.number]
        assert replica.cursor == f"e.{replica.number}.x"
    assert held(replica) == server.shown[-1]


@given(servers(), st.sets(st.integers(1, 24)))
def test_how_events_are_gathered_into_frames_changes_nothing(server: Server, cuts: set[int]) -> None:
    replica = Replica("e", 0, "e.0.x")
    edges = [0, *sorted(cut for cut in cuts if cut < server.number), server.number]
    for start, stop in pairwise(edges):
        if stop > start:
            replica.apply(joined(server.frames[start:stop]))
    assert held(replica) == server.shown[-1]


@given(servers(), st.integers(0, 25), st.integers(0, 25))
def test_a_snapshot_is_the_same_as_the_frames_before_it(server: Server, at: int, again: int) -> None:
    """Frames from before it are dropped."""
    number = at % (server.number + 1)
    docs: Docs = json.loads(json.dumps(server.shown[number]))
    replica = Replica("e", number, f"e.{number}.x", docs)
    for frame in server.frames[again % (number + 1) :]:
        replica.apply(frame)
    assert held(replica) == server.shown[-1]


@given(servers())
def test_what_is_kept_comes_back_and_differences_are_named(server: Server) -> None:
    replica = Replica("e", 0, "e.0.x")
    for frame in server.frames:
        former = Replica.from_json(json.loads(json.dumps(replica.to_json())))
        assert former.differences(replica) == set()
        changed = replica.apply(frame)
        assert former.differences(replica) <= changed
        assert (former.number, held(former)) == (frame.since, server.shown[frame.since])


def test_the_version_decides_what_is_newer() -> None:
    doc = {"id": "t", "version": 5, "title": "held"}
    replica = Replica("e", 5, "c", {"task": {"t": doc}})
    ops = (
        {"verb": "create", "kind": "task", "id": "t", "version": 5, "set": {**doc, "title": "same"}},
        {"verb": "update", "kind": "task", "id": "t", "version": 4, "set": {"title": "older"}},
        {"verb": "update", "kind": "task", "id": "none", "version": 6, "set": {"title": "not held"}},
        {"verb": "delete", "kind": "task", "id": "t", "version": 4},
        {"verb": "delete", "kind": "task", "id": "none", "version": 6},
    )
    assert replica.apply(Frame("e", 5, 5, "d", ops)) == set()
    assert replica.get("task", "t") == doc
    assert replica.cursor == "d"
    later = {"verb": "update", "kind": "task", "id": "t", "version": 6, "set": {"title": "newer"}}
    assert replica.apply(Frame("e", 5, 6, "f", (later,))) == {("task", "t")}
    assert replica.get("task", "t") == {"id": "t", "version": 6, "title": "newer"}
    assert doc["title"] == "held"  # whoever holds the former one keeps what it was
    gone = {"verb": "delete", "kind": "task", "id": "t", "version": 6}
    assert replica.apply(Frame("e", 6, 7, "g", (gone,))) == {("task", "t")}
    assert replica.get("task", "t") is None


def test_a_purge_takes_a_document_whatever_its_version() -> None:
    replica = Replica("e", 9, "c", {"project": {"p": {"id": "p", "version": 9}}, "label": {}})
    purge = {"verb": "purge", "kind": "project", "project_id": "p"}
    assert replica.apply(Frame("e", 9, 9, "d", (purge,))) == {("project", "p")}
    again = {"verb": "create", "kind": "project", "id": "p", "version": 2, "set": {"id": "p", "version": 2}}
    assert replica.apply(Frame("e", 9, 9, "e", (purge, again))) == {("project", "p")}
    assert replica.get("project", "p") == {"id": "p", "version": 2}


def test_another_epoch_and_an_overlap_are_noticed() -> None:
    replica = Replica("e", 5, "c")
    with pytest.raises(ForeignEpochError):
        replica.apply(Frame("f", 5, 6, "d"))
    with pytest.raises(MissedError):
        replica.apply(Frame("e", 4, 6, "d"))
    assert (replica.number, replica.cursor) == (5, "c")


@pytest.mark.parametrize("op", [{}, {"verb": "rename"}, {"verb": "create", "kind": "task"}, 3])
def test_what_is_no_operation_is_refused(op: Any) -> None:
    replica = Replica("e", 5, "c")
    with pytest.raises(ProtocolError):
        replica.apply(Frame("e", 5, 6, "d", (op,)))
    assert replica.number == 5


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"epoch":"e","from":"x","to":1,"cursor":"c","ops":[]}', "nul"]
)
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        Frame.parse(text)


HEAD = '{"epoch":"e","seq":7,"cursor":"c"}'
DOC = '{"kind":"task","doc":{"id":"t","version":3}}'


def read(*lines: str) -> Replica:
    snapshot = Snapshot()
    for line in lines:
        snapshot.add(line)
    return snapshot.finish()


def test_a_whole_snapshot_is_a_replica() -> None:
    replica = read(HEAD, DOC, '{"end":true,"docs":1}')
    assert replica.to_json() == {
        "epoch": "e",
        "number": 7,
        "cursor": "c",
        "docs": {"task": [{"id": "t", "version": 3}]},
    }


@pytest.mark.parametrize(
    "lines",
    [
        (),
        (HEAD,),
        (HEAD, DOC),
        (HEAD, DOC[:20]),
        (HEAD, DOC, '{"end":true,"docs":2}'),
        (HEAD, '{"end":false,"docs":0}'),
        (HEAD, '{"end":true,"docs":0}', DOC),
        (DOC, '{"end":true,"docs":1}'),
        (HEAD, "[]"),
    ],
)
def test_a_cut_snapshot_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(CutError):
        read(*lines)
