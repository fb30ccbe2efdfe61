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


ADDED: Mapping[str, Doc] = {"project": {"visibility": "workspace"}}
"""What logs of earlier versions lack, and a migration gave the documents without an event."""


def differences(expected: State, found: State, floor: int = 0) -> list[str]:
    """What documents are missing, superfluous or unlike their log, each as one line.

    A log that begins behind a floor tells of an older document no more than has changed since.
    """
    lines = [f"{kind} {id_}: in the log, not in the database" for kind, id_ in expected.keys() - found.keys()]
    lines += [
        f"{kind} {id_}: in the database, not in the log"
        for kind, id_ in found.keys() - expected.keys()
        if found[kind, id_]["version"] > floor
    ]
    for key in expected.keys() & found.keys():
        want, have = expected[key], found[key]
        names = set(want)
        if "id" in want or not floor:  # else only what the log that is left says
            want = ADDED.get(key[0], {}) | want
            names = {*want, *have}
        fields = sorted(name for name in names if want.get(name) != have.get(name))
        if fields:
            lines.append(f"{key[0]} {key[1]}: {', '.join(fields)} unlike the log")
    return sorted(lines)


def stale(model: type[Entity], doc: Doc) -> list[str]:
    """What a stored document should have by its other fields, and has not: lists would not find it."""
    fields = sorted(name for name, value in derived(model, doc).items() if doc.get(name) != value)
    return [f"{model.KIND} {doc['_id']}: {', '.join(fields)} unlike its other fields"] if fields else []
