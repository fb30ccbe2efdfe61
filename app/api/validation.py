"""What pydantic says about a request, in the codes and pointers of Pastis (see `app.api.errors`)."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.core.errors import FieldCode, FieldError

_MAX_ERRORS = 50  # a long list of bad items must not make an answer much larger than its request
MAX_NAME = 64

_CODES = {
    "bytes_invalid_encoding": FieldCode.UNSAFE_TEXT,
    "bytes_too_long": FieldCode.TOO_LONG,
    "bytes_too_short": FieldCode.TOO_SHORT,
    "decimal_max_digits": FieldCode.OUT_OF_RANGE,
    "decimal_max_places": FieldCode.OUT_OF_RANGE,
    "decimal_whole_digits": FieldCode.OUT_OF_RANGE,
    "enum": FieldCode.INVALID_CHOICE,
    "extra_forbidden": FieldCode.UNKNOWN_FIELD,
    "finite_number": FieldCode.NOT_FINITE,
    "frozen_field": FieldCode.READ_ONLY,
    "greater_than": FieldCode.OUT_OF_RANGE,
    "greater_than_equal": FieldCode.OUT_OF_RANGE,
    "int_from_float": FieldCode.WRONG_TYPE,
    "int_parsing_size": FieldCode.OUT_OF_RANGE,
    "invalid_key": FieldCode.UNKNOWN_FIELD,
    "json_invalid": FieldCode.MALFORMED,
    "less_than": FieldCode.OUT_OF_RANGE,
    "less_than_equal": FieldCode.OUT_OF_RANGE,
    "literal_error": FieldCode.INVALID_CHOICE,
    "none_required": FieldCode.WRONG_TYPE,
    "recursion_depth_exceeded": FieldCode.TOO_DEEP,
    "set_item_not_hashable": FieldCode.WRONG_TYPE,
    "string_not_ascii": FieldCode.UNSAFE_TEXT,
    "string_too_long": FieldCode.TOO_LONG,
    "string_too_short": FieldCode.TOO_SHORT,
    "string_unicode": FieldCode.UNSAFE_TEXT,
    "too_long": FieldCode.TOO_MANY,
    "too_short": FieldCode.TOO_FEW,
    "union_tag_invalid": FieldCode.INVALID_CHOICE,
    "union_tag_not_found": FieldCode.MISSING,
    "url_parsing": FieldCode.INVALID_FORMAT,
    "url_too_long": FieldCode.TOO_LONG,
    "uuid_parsing": FieldCode.INVALID_ID,
    "uuid_version": FieldCode.INVALID_ID,
}
_OURS = {code.value: code for code in FieldCode}
_PARAMS = {
    "ge": "min",
    "gt": "above",
    "le": "max",
    "lt": "below",
    "max_length": "limit",
    "min_length": "limit",
}
_TYPES = {
    "bool": "boolean",
    "decimal": "number",
    "dict": "object",
    "float": "number",
    "int": "integer",
    "list": "array",
    "model": "object",
    "model_attributes": "object",
    "set": "array",
    "string": "string",
    "tuple": "array",
}


def field_errors(errors: Iterable[Mapping[str, Any]], body: Any) -> list[FieldError]:
    """Translate pydantic's errors; `body` is what was validated, which tells members from union labels.

    A validator of a schema raises `PydanticCustomError(<a FieldCode>, <any text>, <params>)` to give the
    exact code and params itself.
    """
    found: dict[tuple[str, FieldCode], FieldError] = {}
    for error in errors:
        code = field_code(error["type"], error.get("ctx", {}))
        pointer = _pointer(error["loc"], body, missing=code is FieldCode.MISSING)
        # Each branch of a union complains, often in the same words.
        found.setdefault((pointer, code), FieldError(pointer, code, _params(error, code)))
        if len(found) == _MAX_ERRORS:
            break
    return list(found.values())


def field_code(kind: str, context: Mapping[str, Any]) -> FieldCode:
    """Find the code of a type of pydantic error, or of a custom error that bears the name of a code."""
    # Pydantic calls a list too_long as well, and tells what it counted.
    if kind in _OURS and "field_type" not in context:
        return _OURS[kind]
    if kind in _CODES:
        return _CODES[kind]
    if kind.startswith(("date", "time")) and not kind.endswith("_type"):
        return FieldCode.INVALID_DATE
    if kind.startswith("missing"):
        return FieldCode.MISSING
    return FieldCode.WRONG_TYPE if kind.endswith(("_type", "_parsing")) else FieldCode.INVALID_FORMAT


def _params(error: Mapping[str, Any], code: FieldCode) -> dict[str, str | int]:
    context = error.get("ctx", {})
    if error["type"] == code:
        return dict(context)
    if code is FieldCode.INVALID_CHOICE and "expected" in context:
        return {"choices": context["expected"].replace(" or ", ", ").replace("'", "")}
    name = error["type"].rpartition("_")[0]
    if code is FieldCode.WRONG_TYPE and name in _TYPES:
        return {"expected": _TYPES[name]}
    return {ours: str(context[theirs]) for theirs, ours in _PARAMS.items() if theirs in context}


def _pointer(loc: tuple[str | int, ...], body: Any, *, missing: bool) -> str:
    where, *steps = loc
    if where == "body":
        names = _members(steps, body, missing=missing)
    else:
        names = [where, *steps[:1], *(step for step in steps[1:] if isinstance(step, int))]
    return "".join(f"/{escape(str(name)[:MAX_NAME])}" for name in names)


def _members(steps: list[str | int], body: Any, *, missing: bool) -> list[str | int]:
    """Keep the steps that lead through the body; pydantic mixes in the names of the branches it tried.

    The last step of a missing member leads nowhere, so `missing` keeps it.
    """
    names = []
    for position, step in enumerate(steps):
        if _holds(body, step):
            names.append(step)
            body = body[step]
        elif missing and position == len(steps) - 1:
            names.append(step)
    return names


def _holds(body: Any, step: str | int) -> bool:
    if isinstance(body, list):
        return isinstance(step, int) and step < len(body)
    return isinstance(body, Mapping) and step in body


def escape(name: str) -> str:
    """Write a name as one step of a pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
