"""The words of every problem, in the language that the client prefers.

A text is the first variant of its catalogue entry whose params are all given; the last variant needs
none, so a missing param costs exactness and never an exception. Nouns decline themselves: `{kind.The}`,
`{kind.this}` and so on carry the article that fits, and `{kind.e}` the French mark of the feminine.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from string import Formatter
from types import ModuleType

from app.core import messages_en, messages_fr
from app.core.errors import ErrorCode, FieldCode

DEFAULT_LANGUAGE = "en"
_CATALOGUES: dict[str, ModuleType] = {"en": messages_en, "fr": messages_fr}
LANGUAGES = tuple(_CATALOGUES)

_NO_BREAK_SPACE = "\u00a0"
_QUALITY = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


@dataclass(frozen=True)
class Noun:
    """One noun in the forms that sentences need; `e` agrees with it where the language does."""

    many: str
    a: str
    the: str
    this: str
    of_itself: str = "of itself"
    e: str = ""

    @property
    def A(self) -> str:  # noqa: N802 - reads as the capital letter it gives
        return _capital(self.a)

    @property
    def The(self) -> str:  # noqa: N802
        return _capital(self.the)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _english(article: str, one: str, many: str) -> Noun:
    return Noun(many=many, a=f"{article} {one}", the=f"the {one}", this=f"this {one}")


def _french(gender: str, one: str, many: str) -> Noun:
    feminine = gender == "f"
    vowel = one[0] in "aeéèêiîoôuy"
    the, this = ("la ", "cette ") if feminine else ("le ", "cet " if vowel else "ce ")
    return Noun(
        many=many,
        a=f"{'une' if feminine else 'un'} {one}",
        the=("l'" if vowel else the) + one,
        this=this + one,
        of_itself="d'elle-même" if feminine else "de lui-même",
        e="e" if feminine else "",
    )


_DECLINE: dict[str, Callable[[str, str, str], Noun]] = {"en": _english, "fr": _french}


@cache
def _nouns(language: str) -> Mapping[str, Noun]:
    return {kind: _DECLINE[language](*forms) for kind, forms in _CATALOGUES[language].NOUNS.items()}


@cache
def _thing(language: str) -> Noun:
    return _DECLINE[language](*_CATALOGUES[language].THING)


def _word(name: str, value: str | int, language: str) -> Noun | str | int:
    """Say the value as a sentence does: kinds and fields are nouns, reasons are phrases."""
    if name in {"kind", "field"}:
        key = str(value).replace(" ", "_")
        return _nouns(language).get(key) or _thing(language)
    if name == "reason":
        phrases: Mapping[str, str] = _CATALOGUES[language].REASONS
        return phrases.get(str(value), value)
    return value


@cache
def placeholders(template: str) -> frozenset[str]:
    """Name the params that a template needs."""
    fields = (field for _, field, _, _ in Formatter().parse(template) if field)
    return frozenset(field.partition(".")[0] for field in fields)


def _fill(variants: tuple[str, ...], language: str, params: Mapping[str, str | int]) -> str:
    template = next((t for t in variants if placeholders(t) <= params.keys()), variants[-1])
    words = {name: _word(name, params[name], language) for name in placeholders(template)}
    # French puts a space before the colon, where a line must not break.
    return template.replace(" :", _NO_BREAK_SPACE + ":").format_map(words)


def problem_text(code: ErrorCode, language: str, params: Mapping[str, str | int]) -> tuple[str, str]:
    """Give the title and the detail of a problem; a language that is not there is answered in English."""
    language = language if language in _CATALOGUES else DEFAULT_LANGUAGE
    title, *variants = _CATALOGUES[language].PROBLEMS[code]
    return title, _fill(tuple(variants), language, params)


def field_text(code: FieldCode, language: str, params: Mapping[str, str | int]) -> str:
    """Give the detail of one field's error; a language that is not there is answered in English."""
    language = language if language in _CATALOGUES else DEFAULT_LANGUAGE
    return _fill(_CATALOGUES[language].FIELDS[code], language, params)


def pick_language(accept_language: str | None) -> str:
    """Pick the one of `LANGUAGES` that an Accept-Language header (RFC 9110) likes best.

    Regions are ignored, malformed parts count for nothing, and English is the answer when nothing fits.
    """
    if not accept_language:
        return DEFAULT_LANGUAGE
    likings = dict[str, float]()
    for part in accept_language.split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().partition("-")[0].lower()
        likings[language] = max(likings.get(language, 0.0), _quality(weight.strip()))
    # A dict keeps the order of the header, which decides between equals; "*" is for those not named.
    wished = [name for name in likings if name in _CATALOGUES]
    wished += [name for name in LANGUAGES if name not in likings]
    best = max(wished, key=lambda name: likings.get(name, likings.get("*", 0.0)))
    return best if likings.get(best, likings.get("*", 0.0)) > 0 else DEFAULT_LANGUAGE


def _quality(weight: str) -> float:
    if not weight:
        return 1.0
    match = _QUALITY.fullmatch(weight)
    return float(match[1]) if match else 0.0
