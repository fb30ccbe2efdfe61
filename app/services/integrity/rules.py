"""Replays a log. Pure."""

from collections.abc import Mapping

from app.core.documents import Doc, Entity, derived

Key = tuple[str, str]
State = dict[Key, Doc]


def apply(state: State, event: Doc) -> None:
    """Bring a state forward by one event."""
    for op in event["ops"]:
        key = (op["kind"], op["id"])
        if op["verb"] == "delete":
            state.pop(key, None)
        elif op["verb"] == "create":
            state[key] = dict(op["set"])
        else:
            state[key] = {**state.get(key, {}), **op["set"]}


ADDED: Mapping[str, Doc] = {"membership": {"type": "person"}, "project": {"visibility": "workspace"}}
"""What logs of earlier versions lack, and a migration gave the documents without an event."""


def difference(key: Key, want: Doc | None, have: Doc, floor: int = 0) -> str | None:
    """How a document is unlike what its log adds up to (`want`), as a line; None where it is not.

    A log that begins behind a floor tells of an older document no more than has changed since.
    """
    if want is None:
        return f"{key[0]} {key[1]}: in the database, not in the log" if have["version"] > floor else None
    names = set(want)
    if "id" in want or not floor:  # else only what the log that is left says
        want = ADDED.get(key[0], {}) | want
        names = {*want, *have}
    fields = sorted(name for name in names if want.get(name) != have.get(name))
    return f"{key[0]} {key[1]}: {', '.join(fields)} unlike the log" if fields else None


def missing(expected: State) -> list[str]:
    """What documents the log has, and nothing else, each as one line."""
    return [f"{kind} {id_}: in the log, not in the database" for kind, id_ in expected]


def stale(model: type[Entity], doc: Doc) -> list[str]:
    """What a stored document should have by its other fields, and has not: lists would not find it."""
    fields = sorted(name for name, value in derived(model, doc).items() if doc.get(name) != value)
    return [f"{model.KIND} {doc['_id']}: {', '.join(fields)} unlike its other fields"] if fields else []
