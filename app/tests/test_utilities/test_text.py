import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.utils.text import UnsafeText, check_block, clean_line, is_blank, slugify, upper_ascii

C0_AND_MORE = [*map(chr, range(0x20)), "\x7f", *map(chr, range(0x80, 0xA0))]
BIDI = list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
SURROGATES = ["\ud800", "\udbff", "\udc00", "\udfff"]

# Format characters that do draw something: the marks around Arabic, Syriac and Kaithi numbers.
DRAWN_FORMATS = {*map(chr, range(0x600, 0x606)), *"\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"}
# Letters and symbols that draw nothing: Hangul fillers and the blank braille cell.
BLANK_LETTERS = set("\u115f\u1160\u3164\uffa0\u2800")


def of_categories(*categories: str) -> list[str]:
    every = map(chr, range(sys.maxunicode + 1))
    return [character for character in every if unicodedata.category(character) in categories]


def test_a_line_loses_the_white_space_around_it() -> None:
    assert clean_line("  Préparer la  réunion \t\r\n\u00a0\u3000") == "Préparer la  réunion"


@pytest.mark.parametrize(
    "text", ["", " ", "\t\r\n", "\u200b", "\u200b \u2060\ufeff", "\u00ad", "\0", "\u202e\u202c"]
)
def test_a_line_with_nothing_visible_is_none(text: str) -> None:
    assert clean_line(text) is None
    assert is_blank(text)


@pytest.mark.parametrize(
    ("text", "key"), [("fluid-1", "FLUID-1"), ("ß", "ß"), ("ıo-1", "ıo-1"), ("ﬁ", "ﬁ"), ("é-1", "é-1")]
)
def test_only_ascii_becomes_capital(text: str, key: str) -> None:
    assert upper_ascii(text) == key


def test_white_space_controls_and_formats_are_invisible() -> None:
    invisible = set(of_categories("Cc", "Cf", "Zs", "Zl", "Zp")) - DRAWN_FORMATS | BLANK_LETTERS
    assert [hex(ord(one)) for one in invisible if clean_line(one) is not None] == []
    assert clean_line("".join(invisible)) is None


def test_letters_digits_and_symbols_are_visible() -> None:
    categories = (
        "Lu",
        "Ll",
        "Lt",
        "Lm",
        "Lo",
        "Nd",
        "Nl",
        "No",
        "Pc",
        "Pd",
        "Ps",
        "Pe",
        "Po",
        "Sm",
        "Sc",
        "So",
    )
    visible = set(of_categories(*categories)) - BLANK_LETTERS | DRAWN_FORMATS
    assert [hex(ord(one)) for one in visible if clean_line(one) != one] == []


@pytest.mark.parametrize("bad", [*C0_AND_MORE, *BIDI, *SURROGATES, "\u2028", "\u2029"])
def test_unsafe_characters_inside_a_line_are_refused(bad: str) -> None:
    with pytest.raises(UnsafeText, match=f"U\\+{ord(bad):04X} "):
        clean_line(f"good{bad}bad")


@pytest.mark.parametrize("bad", ["\0", "\x1b", "\u202e", "\ud800"])
def test_unsafe_characters_at_the_ends_of_a_line_are_refused(bad: str) -> None:
    for text in (f"{bad}good", f"good{bad}"):
        with pytest.raises(UnsafeText):
            clean_line(text)


@pytest.mark.parametrize("text", ["👩‍👩‍👧", "❤️", "नमस्ते", "می‌خواهم", "a\u0301", "l’été", "日本語", "<b>&amp;"])
def test_a_line_keeps_every_script(text: str) -> None:
    assert clean_line(text) == text


@given(st.text())
def test_cleaning_a_line_again_changes_nothing(text: str) -> None:
    try:
        line = clean_line(text)
    except UnsafeText:
        return
    if line is not None:
        assert line
        assert line in text
        assert clean_line(line) == line


def test_a_block_keeps_its_layout() -> None:
    text = "# Titre\r\n\r\n- un\n\t- deux  \n\n\u200e"
    assert check_block(text) == "# Titre\n\n- un\n\t- deux  \n\n\u200e"
    assert check_block("") == ""


@pytest.mark.parametrize("bad", [*sorted(set(map(chr, range(0x20))) - set("\t\n")), *SURROGATES])
def test_unsafe_characters_in_a_block_are_refused(bad: str) -> None:
    with pytest.raises(UnsafeText, match=f"U\\+{ord(bad):04X} "):
        check_block(f"good{bad}bad")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\n\t")))
def test_a_block_without_controls_passes_unchanged(text: str) -> None:
    assert check_block(text) == text
    assert check_block(text.replace("\n", "\r\n")) == text


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("", ""),
        ("Préparer la réunion", "preparer-la-reunion"),
        ("  L'été, à l'Île !  ", "l-ete-a-l-ile"),
        ("Œuvre d'art et cœur", "oeuvre-d-art-et-coeur"),
        ("Straße Ærø Łódź Þing", "strasse-aero-lodz-thing"),
        ("İstanbul ILIK", "istanbul-ilik"),
        ("ﬁn ½ ①", "fin-12-1"),
        ("--a__b..c--", "a-b-c"),
        ("℡ ㎒", "tel-mhz"),
        ("日本語", ""),
        ("日本語 v2", "v2"),
        ("\ud800a\0b", "a-b"),
        ("a" * 60, "a" * 48),
        ("a" * 47 + " b", "a" * 47),
    ],
)
def test_slugs(text: str, slug: str) -> None:
    assert slugify(text) == slug


@given(st.text() | st.text("aé -_Œ1", max_size=80))
def test_slugs_have_one_shape(text: str) -> None:
    slug = slugify(text)
    assert re.fullmatch(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*)?", slug)
    assert len(slug) <= 48
    assert slugify(slug) == slug
