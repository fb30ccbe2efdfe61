"""The passwords that are guessed first; the list is shipped, so that nobody has to be asked."""

import gzip
from functools import cache
from importlib.resources import files

_LIST = files("app") / "data" / "common_passwords.txt.gz"
_SHORT = 8


def is_common(password: str) -> bool:
    """Whether it is on the list in any case, or only repeats what is, or less than eight characters."""
    text = password.casefold()
    repeated = _repeated(text)
    return text in _listed() or repeated in _listed() or len(repeated) < min(_SHORT, len(text))


def _repeated(text: str) -> str:
    """The shortest beginning whose repetition is the text, which may end within it."""
    lengths = range(1, len(text) + 1)
    return next((text[:n] for n in lengths if text[n:] == text[:-n]), text)


@cache
def _listed() -> frozenset[str]:
    return frozenset(gzip.decompress(_LIST.read_bytes()).decode().split())
