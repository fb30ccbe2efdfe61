"""What an event's inverse is, and whether later changes still allow it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.documents import Doc
from app.core.errors import ErrorCode, PastisError
from app.services.access.permissions import Permission

BOOKKEEPING = frozenset({"version", "updated_at"})
"""Fields that every change moves; they say nothing about what was changed."""
_UNDO_ORDER = ("delete", "update", "create")
_INVERSE_VERB = {"create": "delete", "update": "update", "delete": "create"}


def is_of_task(event: Doc, task_id: str) -> bool:
    """Whether an event changed a task or what is seen by whoever sees it, as its comments are."""
    group = f"task:{task_id}"
    return any(
        (op["kind"], op["id"]) == ("task", task_id) or group in op["groups_before"] + op["groups_after"]
        for op in event["ops"]
    )


def conflict(reason: str) -> PastisError:
    return PastisError(ErrorCode.UNDO_CONFLICT, reason=reason)


def permission_to_undo(op: Doc) -> Permission:
    """What one must be allowed to do by hand to do the inverse; raises `undo_conflict` where nobody may."""
    try:
        return Permission(f"{op['kind']}:{_INVERSE_VERB[op['verb']]}")
    except ValueError:
        raise conflict("not_undoable") from None


def undo_order(ops: Sequence[Doc]) -> list[Doc]:
    """Backwards; but what was deleted comes back before what refers to it, what was made goes last."""
    backwards = list(reversed(ops))
    return sorted(backwards, key=lambda op: _UNDO_ORDER.index(op["verb"]))


def former_values(op: Doc, current: Mapping[str, Any]) -> Doc:
    """The values that an update replaced; raises `undo_conflict` where one was changed again since."""
    changed = {name: value for name, value in op["set"].items() if name not in BOOKKEEPING}
    if any(current.get(name) != value for name, value in changed.items()):
        raise conflict("changed_since")
    return {name: op["before"][name] for name in changed}


def check_untouched(op: Doc, current: Mapping[str, Any]) -> None:
    """What was created can be taken back as long as nobody has worked on it."""
    if current["version"] != op["version"]:
        raise conflict("changed_since")
