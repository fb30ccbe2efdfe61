"""JSON (RFC 8259) from outside, without the parts that parsers disagree on (compare I-JSON, RFC 7493).

The standard parser does the work, with hooks that leave a mark where they find a flaw. Only a document
that bears a mark, deep nesting or a risky escape is then walked to find the flaw and its place.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from json import JSONDecodeError, JSONDecoder
from math import isfinite
from typing import Any, NamedTuple

_INT64_DIGITS = 20  # of the longest one, with its sign
_MAX_POINTER = 256
_INT64 = range(-(2**63), 2**63)
_RISKY_ESCAPE = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class JsonFlaw(StrEnum):
    MALFORMED = "malformed"
    DUPLICATE_KEY = "duplicate_key"
    NOT_FINITE = "not_finite"
    TOO_DEEP = "too_deep"
    BAD_UNICODE = "bad_unicode"
    NUMBER_TOO_LARGE = "number_too_large"


class InvalidJson(ValueError):  # noqa: N818 - it says what is wrong
    """The `reason` a document is refused for and, where known, the `pointer` (RFC 6901) to the place."""

    def __init__(self, reason: JsonFlaw, pointer: str | None = None) -> None:
        super().__init__(reason if pointer is None else f"{reason} at {pointer!r}")
        self.reason = reason
        self.pointer = pointer


def loads(raw: bytes, *, max_depth: int = 32) -> Any:
    """Read a JSON document in UTF-8, in time and memory that grow in line with its length.

    Raises InvalidJson if it is not well-formed, starts with a byte order mark, repeats a key in an
    object, holds NUL or a lone surrogate in a text or key, a number that is not finite, an integer
    beyond 64 bits, or more than `max_depth` objects and lists inside one another.
    """
    hooks = _Hooks()
    try:
        value = hooks.decoder().decode(raw.decode())
    except UnicodeDecodeError as error:
        raise InvalidJson(JsonFlaw.BAD_UNICODE) from error
    except JSONDecodeError as error:
        raise InvalidJson(JsonFlaw.MALFORMED) from error
    except RecursionError as error:  # the parser's own guard, hundreds of levels past any real document
        raise InvalidJson(JsonFlaw.TOO_DEEP) from error
    if hooks.marked or _RISKY_ESCAPE.search(raw) or _deeper(value, raw, max_depth):
        _refuse_first_flaw(value, max_depth)
    return value


class _Mark(NamedTuple):
    """Stands in the parsed value for a part that is refused."""

    reason: JsonFlaw
    key: str | None = None


class _Hooks:
    """What the parser calls for one document."""

    def __init__(self) -> None:
        self.marked = False

    def decoder(self) -> JSONDecoder:
        return JSONDecoder(
            object_pairs_hook=self.members,
            parse_int=self.integer,
            parse_float=self.real,
            parse_constant=self.constant,
        )

    def members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Mark:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        seen: set[str] = set()
        # set.add gives None, so the first key that is already there is taken.
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return self._mark(JsonFlaw.DUPLICATE_KEY, repeated)

    def integer(self, digits: str) -> int | _Mark:
        # The length comes first: the time to read an integer grows with the square of it.
        if len(digits) <= _INT64_DIGITS and (value := int(digits)) in _INT64:
            return value
        return self._mark(JsonFlaw.NUMBER_TOO_LARGE)

    def real(self, digits: str) -> float | _Mark:
        value = float(digits)
        return value if isfinite(value) else self._mark(JsonFlaw.NOT_FINITE)

    def constant(self, _name: str) -> _Mark:
        return self._mark(JsonFlaw.NOT_FINITE)

    def _mark(self, reason: JsonFlaw, key: str | None = None) -> _Mark:
        self.marked = True
        return _Mark(reason, key)


class _Place(NamedTuple):
    """The way to a value, linked so that long keys are not copied for every value below them."""

    parent: "_Place | None"
    token: str | int


def _deeper(value: Any, raw: bytes, max_depth: int) -> bool:
    if raw.count(b"{") + raw.count(b"[") <= max_depth:
        return False
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(max_depth):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    return bool(level)


def _refuse_first_flaw(root: Any, max_depth: int) -> None:
    """Raise InvalidJson for the first flaw, in the order of the document, if there is one."""
    waiting: list[tuple[Any, _Place | None, int]] = [(root, None, 0)]
    while waiting:
        node, place, depth = waiting.pop()
        if isinstance(node, dict | list):
            if depth == max_depth:
                raise InvalidJson(JsonFlaw.TOO_DEEP, _pointer(place))
            children = [(child, below, depth + 1) for child, below in _children(node, place)]
            waiting.extend(reversed(children))
        elif isinstance(node, _Mark):
            raise InvalidJson(node.reason, _pointer(place if node.key is None else _Place(place, node.key)))
        elif isinstance(node, str) and _UNSTORABLE.search(node):
            raise InvalidJson(JsonFlaw.BAD_UNICODE, _pointer(place))


def _children(node: dict[str, Any] | list[Any], place: _Place | None) -> Iterator[tuple[Any, _Place | None]]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield item, _Place(place, index)
    else:
        for key, value in node.items():
            yield key, place  # a key is a text too: a bad one is a flaw of its object
            yield value, _Place(place, key)


def _pointer(place: _Place | None) -> str | None:
    """Write the RFC 6901 text, unless it is too long or too strange to repeat in an answer."""
    tokens: list[str] = []
    while place is not None:
        tokens.append("/" + str(place.token).replace("~", "~0").replace("/", "~1"))
        place = place.parent
    text = "".join(reversed(tokens))
    return None if len(text) > _MAX_POINTER or _UNSTORABLE.search(text) else text
