"""JSON Merge Patch (RFC 7396): apply one, or find the one that leads from a document to another."""

from typing import Any


def merge(target: Any, patch: Any) -> Any:
    """Return `target` after `patch`; neither is changed, nor shares a dict or list with the result."""
    return _apply(_copy(target), patch)


def diff(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Find the smallest merge patch for which `merge(before, patch) == after`; {} if nothing changed.

    Limits of the format: a list is replaced whole, and null means "remove", so a None in an
    object of `after` reads as the absence of that name. A None inside a list is kept.
    True and 1 differ, as they do in JSON; 1 and 1.0 do not.
    """
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := diff(old, value):
                patch[name] = inner
        elif not _same(old, value):
            patch[name] = _copy(value)
    return patch


def _apply(own: Any, patch: Any) -> Any:
    """Recurse as in RFC 7396, section 2, on a target that is ours to change."""
    if not isinstance(patch, dict):
        return _copy(patch)
    merged: dict[str, Any] = own if isinstance(own, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _apply(merged.get(name), value)
    return merged


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


def _same(one: Any, other: Any) -> bool:
    """Equality of JSON values: unlike in Python, True is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
