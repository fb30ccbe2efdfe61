"""What an event's inverse is, and whether later changes still allow it. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.core.documents import Doc
from app.core.errors import ErrorCode, FieldCode, FieldError, PastisError
from app.models.permissions import Permission

BOOKKEEPING = frozenset({"version", "updated_at"})
"""Fields that every change moves; they say nothing about what was changed."""
FINAL = frozenset({"link.create", "link.delete", "link.update", "membership.erase", "membership.merge"})
"""Commands whose former values are gone for good, or lie outside the log."""
_UNDO_ORDER = ("delete", "update", "create")
_INVERSE_VERB = {"create": "delete", "update": "update", "delete": "create"}


def is_of_task(event: Doc, task_id: str) -> bool:
    """Whether an event changed a task or what is seen by whoever sees it, as its comments are."""
    group = f"task:{task_id}"
    return any((op["kind"], op["id"]) == ("task", task_id) or group in _groups(op) for op in event["ops"])


def visible(event: Doc, sees: Callable[[Doc, str], bool], task_id: str | None = None) -> Doc | None:
    """What somebody may see of an event; None where that is nothing.

    `sees(op, group)` says whether a document is seen by an audience. Whoever sees a task may see all of its
    history (`task_id`), also from before it was moved to where they see it. Comments stay with who may read
    them.
    """
    ops = [one for one in (_visible_op(op, sees, task_id) for op in event["ops"]) if one is not None]
    return {**event, "ops": ops} if ops else None


def _visible_op(op: Doc, sees: Callable[[Doc, str], bool], task_id: str | None) -> Doc | None:
    if task_id is not None and op["id"] == task_id:
        return op
    before = any(sees(op, group) for group in op["groups_before"])
    after = any(sees(op, group) for group in op["groups_after"])
    if not before and not after:
        return None
    hidden: Doc = {}
    if op["groups_before"] and not before:
        hidden["before"] = {}
    if op["groups_after"] and not after:
        hidden["set"] = {}
    return {**op, **hidden}


def tasks_named(events: Iterable[Doc]) -> set[str]:
    """The tasks that audiences of operations stand for."""
    groups = (group for event in events for op in event["ops"] for group in _groups(op))
    return {group.removeprefix("task:") for group in groups if group.startswith("task:")}


def projects_named(op: Doc, projects: Mapping[str, str]) -> set[str]:
    """The projects whose documents an operation changed, itself or as parts of `projects`' tasks."""
    named = (group.partition(":") for group in _groups(op))
    return {id_ if kind == "project" else projects.get(id_, "") for kind, _, id_ in named if id_}


def _groups(op: Doc) -> list[str]:
    return [*op["groups_before"], *op["groups_after"]]


def conflict(
    reason: str, *errors: FieldError, seq: int | None = None, changed: Iterable[str] = ()
) -> PastisError:
    """Why an undo is refused: the fields that are in its way, those `changed` since among them.

    `seq` is the last event that changed the object.
    """
    errors = (*errors, *(FieldError(f"/{name}", FieldCode.CHANGED_SINCE) for name in changed))
    if seq is None:
        return PastisError(ErrorCode.UNDO_CONFLICT, errors=errors, reason=reason)
    return PastisError(ErrorCode.UNDO_CONFLICT, errors=errors, reason=reason, event=seq)


def check_undoable(event: Doc) -> None:
    """Raises `undo_conflict` for an event whose former values are gone for good."""
    if event["command"] in FINAL:
        raise conflict("not_undoable")


def permission_to_undo(op: Doc) -> Permission:
    """What one must be allowed to do by hand to do the inverse; raises `undo_conflict` where nobody may."""
    try:
        return Permission(f"{op['kind']}:{_INVERSE_VERB[op['verb']]}")
    except ValueError:
        raise conflict("not_undoable") from None


def undo_order(ops: Sequence[Doc]) -> list[Doc]:
    """Backwards; but what was deleted comes back before what refers to it, what was made goes last.

    People come before all: what they had, they get back when they are there.
    """
    backwards = list(reversed(ops))
    return sorted(backwards, key=lambda op: (op["kind"] != "membership", _UNDO_ORDER.index(op["verb"])))


def former_values(op: Doc, current: Mapping[str, Any]) -> Doc:
    """The values that an update replaced; raises `undo_conflict` where one was changed again since."""
    again = _changed_again(op, current)
    if again:
        raise conflict("changed_since", seq=current["version"], changed=again)
    return {name: op["before"][name] for name in op["set"] if name not in BOOKKEEPING}


def check_untouched(op: Doc, current: Mapping[str, Any]) -> None:
    """What was created can be taken back as long as nobody has worked on it."""
    if current["version"] != op["version"]:
        raise conflict("changed_since", seq=current["version"], changed=_changed_again(op, current))


def _changed_again(op: Doc, current: Mapping[str, Any]) -> list[str]:
    """The fields that no longer have the values that an operation gave them."""
    return [
        name for name, value in op["set"].items() if name not in BOOKKEEPING and current.get(name) != value
    ]
