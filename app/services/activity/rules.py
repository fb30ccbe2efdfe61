"""What an event's inverse is, and whether later changes still allow it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.core.documents import Doc
from app.core.errors import ErrorCode, FieldCode, FieldError, PastisError
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
