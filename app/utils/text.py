"""Texts that people type: one line, a block, or the part of an address made from one."""

import re
import unicodedata

_SLUG_LENGTH = 48

_BIDI_CONTROLS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_LINE_ENDS = "\u2028\u2029"
_SURROGATES = "\ud800-\udfff"

# White space, controls, and what Unicode calls Default_Ignorable_Code_Point, plus the blank braille cell.
_INVISIBLE = (
    "\\s\0-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U00013430-\U0001343f\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(f"[^{_INVISIBLE}]")
_UNSAFE_IN_LINE = re.compile(f"[\0-\x1f\x7f-\x9f{_BIDI_CONTROLS}{_LINE_ENDS}{_SURROGATES}]")
_UNSAFE_IN_BLOCK = re.compile(f"[\0-\x08\x0b-\x1f{_SURROGATES}]")
_NOT_IN_SLUG = re.compile("[^a-z0-9]+")

# Latin letters that Unicode does not decompose; German sharp s is the business of casefold.
_LIGATURES = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)


class UnsafeText(ValueError):  # noqa: N818 - it says what is wrong
    """The text holds a character that could hide, reorder or break what people see."""


def is_blank(text: str) -> bool:
    """Whether nothing in the text can be seen."""
    return _VISIBLE.search(text) is None


def clean_line(text: str) -> str | None:
    """Return a name or title without the white space around it; None if nothing in it is visible.

    Raises UnsafeText if what is left holds a control character (line ends and tabs too), a control of
    the writing direction or a lone surrogate.
    """
    if is_blank(text):
        return None
    line = text.strip()
    _refuse(_UNSAFE_IN_LINE, line)
    return line


def check_block(text: str) -> str:
    r"""Return a Markdown body with "\r\n" as "\n".

    Raises UnsafeText for any C0 control but tab and line feed, and for a lone surrogate.
    """
    block = text.replace("\r\n", "\n")
    _refuse(_UNSAFE_IN_BLOCK, block)
    return block


def upper_ascii(text: str) -> str:
    """Return a key in capitals; what is not ASCII stays as it is, where `upper` makes "SS" of "ß"."""
    return text.upper() if text.isascii() else text


def mend_line(text: str) -> str | None:
    """Return what `clean_line` accepts, with a space for each character that it refuses; None likewise."""
    return clean_line(_UNSAFE_IN_LINE.sub(" ", text))


def mend_block(text: str) -> str:
    r"""Return what `check_block` accepts: "\r" as "\n", U+FFFD for each character that it refuses."""
    return _UNSAFE_IN_BLOCK.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def slugify(text: str) -> str:
    """Reduce `text` to at most 48 of a-z, 0-9 and single inner hyphens; "" if nothing Latin is in it."""
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LIGATURES))
    letters = folded.encode("ascii", "ignore").decode()
    return _NOT_IN_SLUG.sub("-", letters.lower()).strip("-")[:_SLUG_LENGTH].rstrip("-")


def _refuse(unsafe: re.Pattern[str], text: str) -> None:
    if found := unsafe.search(text):
        raise UnsafeText(f"the character U+{ord(found[0]):04X} is not allowed")
