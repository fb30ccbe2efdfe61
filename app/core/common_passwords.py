"""The passwords that are guessed first; the list is shipped, so that nobody has to be asked."""

import gzip
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

_LIST = files("app") / "data" / "common_passwords.txt.gz"
_SHORT = 8
_ROWS = (
    *("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"),
    *("azertyuiop", "qsdfghjklm", "wxcvbn", "qwertzuiop", "yxcvbnm"),
)
_WALK = 4
"""Neighbours on a row of keys, from which on they are no chance."""


def is_common(password: str) -> bool:
    """Whether it is on the list in any case, or only repeats what is, or less than eight characters.

    Or hardly has more than these beside keys that stand in a row.
    """
    text = password.casefold()
    repeated = _repeated(text)
    listed = text in _listed() or repeated in _listed()
    return listed or len(repeated) < min(_SHORT, len(text)) or is_made_of(text, _walks())


def is_made_of(password: str, words: Iterable[str]) -> bool:
    """Whether less than eight characters are left of it without these words, in any case."""
    text = password.casefold()
    found = "|".join(re.escape(one.casefold()) for one in sorted(words, key=len, reverse=True))
    return len(re.sub(found, "", text)) < min(_SHORT, len(text))


def _repeated(text: str) -> str:
    """The shortest beginning whose repetition is the text, which may end within it."""
    lengths = range(1, len(text) + 1)
    return next((text[:n] for n in lengths if text[n:] == text[:-n]), text)


@cache
def _walks() -> frozenset[str]:
    """All that is typed along a row, to the right or to the left."""
    rows = [way for row in _ROWS for way in (row, row[::-1])]
    spans = ((start, end) for end in range(11) for start in range(end - _WALK + 1))
    return frozenset(row[start:end] for start, end in spans for row in rows if end <= len(row))


@cache
def _listed() -> frozenset[str]:
    return frozenset(gzip.decompress(_LIST.read_bytes()).decode().split())
