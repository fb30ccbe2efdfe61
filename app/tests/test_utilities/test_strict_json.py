import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.utils.strict_json import InvalidJson, JsonFlaw, loads

MEGA = 1_000_000

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)

FRAGMENTS = [
    *'{}[]:,"\\ \t\n-0123456789.eE+abtnfrul/',
    *("true", "false", "null", "NaN", "Infinity", '"a"', '"a":', '"b":', '{"a":1}', "[]", "1e999", "\\u0000"),
    *(
        "\\ud83d",
        "\\ude00",
        "\\u00e9",
        "\\\\u0000",
        "é",
        "\0",
        "\x1f",
        "\x7f",
        "\ufeff",
        "9223372036854775808",
    ),
]


def refusal(raw: bytes, **options: int) -> tuple[JsonFlaw, str | None]:
    with pytest.raises(InvalidJson) as caught:
        loads(raw, **options)
    return caught.value.reason, caught.value.pointer


def nested(depth: int, core: bytes = b"") -> bytes:
    return b"[" * depth + core + b"]" * depth


@given(values, st.booleans(), st.sampled_from([None, 0, 2]))
def test_good_documents_come_back(value: Any, escaped: bool, indent: int | None) -> None:
    raw = json.dumps(value, ensure_ascii=escaped, indent=indent).encode()
    found = loads(raw, max_depth=100)
    assert json.dumps(found) == json.dumps(value)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join))
def test_any_text_gives_what_a_strict_parser_gives_or_is_refused(text: str) -> None:
    raw = text.encode()
    try:
        expected = orjson.loads(raw)
    except orjson.JSONDecodeError:
        reason, _ = refusal(raw)
        assert reason in {JsonFlaw.MALFORMED, JsonFlaw.NOT_FINITE, JsonFlaw.BAD_UNICODE}
        return
    try:
        found = loads(raw)
    except InvalidJson as refused:
        assert refused.reason in {JsonFlaw.DUPLICATE_KEY, JsonFlaw.NUMBER_TOO_LARGE, JsonFlaw.BAD_UNICODE}  # noqa: PT017
        return
    assert json.dumps(found) == json.dumps(expected)


@given(st.binary(max_size=30) | st.binary(max_size=30).map(lambda raw: b'"' + raw + b'"'))
def test_any_bytes_give_a_value_or_a_refusal(raw: bytes) -> None:
    try:
        found = loads(raw)
    except InvalidJson as refused:
        assert refused.reason in JsonFlaw  # noqa: PT017
        return
    assert found == orjson.loads(raw)


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8),
    st.lists(st.sampled_from(["[", "o"]), max_size=10),
)
def test_repeated_keys_are_refused_at_any_level(keys: list[str], path: list[str]) -> None:
    text = "{" + ",".join(f'"{key}":{{}}' for key in keys) + "}"
    for step in path:
        text = f"[0,{text}]" if step == "[" else f'{{"b":0,"c":{text}}}'
    if len(set(keys)) == len(keys):
        assert loads(text.encode()) == json.loads(text)
        return
    repeated = next(key for place, key in enumerate(keys) if key in keys[:place])
    pointer = "".join("/1" if step == "[" else "/c" for step in reversed(path)) + f"/{repeated}"
    assert refusal(text.encode()) == (JsonFlaw.DUPLICATE_KEY, pointer)


@given(values, st.integers(1, 6))
def test_depth_counts_containers(value: Any, limit: int) -> None:
    def depth(node: Any) -> int:
        if not isinstance(node, dict | list):
            return 0
        return 1 + max(map(depth, node.values() if isinstance(node, dict) else node), default=0)

    raw = json.dumps(value).encode()
    if depth(value) <= limit:
        assert json.dumps(loads(raw, max_depth=limit)) == json.dumps(value)
    else:
        assert refusal(raw, max_depth=limit)[0] is JsonFlaw.TOO_DEEP


@pytest.mark.parametrize(
    "raw",
    [
        *(
            b"",
            b" ",
            b"\xef\xbb\xbf{}",
            b"{",
            b"}",
            b"[1,]",
            b'{"a":1,}',
            b"[1 2]",
            b'{"a" 1}',
            b"{'a':1}",
            b"{a:1}",
        ),
        *(
            b"01",
            b"-",
            b"1.",
            b".5",
            b"+1",
            b"1e",
            b"0x1",
            b"1_0",
            b"True",
            b"nul",
            b"nan",
            b"inf",
            b"undefined",
        ),
        *(
            b'"',
            b'"\\x"',
            b'"\\u12"',
            b'"\\u00_1"',
            b'"a\nb"',
            b'"a\0b"',
            b'"\x1f"',
            b"{} {}",
            b"[]x",
            b"1//",
            b"/**/1",
        ),
        *(
            b"\x0b1",
            b"\xc2\xa01",
            b"1\0",
            "[١]".encode(),
            b'{1:"a"}',
            b'{"a":1 "b":2}',
            b"[1",
            b'["a',
            b"\xe2\x80\xa8",
        ),
        *(b"[NaN", b"-NaN", b"[1e999", b"{}".decode().encode("utf-16-be"), b'{"a":1,"a":1'),
    ],
)
def test_malformed(raw: bytes) -> None:
    assert refusal(raw) == (JsonFlaw.MALFORMED, None)


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b"NaN", ""),
        (b"[0,Infinity]", "/1"),
        (b'{"a":{"b":-Infinity}}', "/a/b"),
        (b'{"a":[1e999]}', "/a/0"),
        (b"-1e999", ""),
        (b"1" * 400 + b".0", ""),
    ],
)
def test_not_finite(raw: bytes, pointer: str) -> None:
    assert refusal(raw) == (JsonFlaw.NOT_FINITE, pointer)


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'"\xff"', None),
        (b'"\xc0\x80"', None),
        (b'"\xed\xa0\x80"', None),
        (b'"\xf4\x90\x80\x80"', None),
        (b'"\xe9', None),
        ("{}".encode("utf-16"), None),
        (b'"\\ud800"', ""),
        (b'"\\uDfFf"', ""),
        (b'["a","\\udc00\\ud800"]', "/1"),
        (b'{"a":{"b":"x\\ud83dx"}}', "/a/b"),
        (b'{"a":{"\\ud83d":1}}', "/a"),
        (b'"\\u0000"', ""),
        (b'{"a":"b\\u0000"}', "/a"),
        (b'{"a\\u0000":1}', ""),
        (b'"\\\\\\u0000"', ""),
    ],
)
def test_bad_unicode(raw: bytes, pointer: str | None) -> None:
    assert refusal(raw) == (JsonFlaw.BAD_UNICODE, pointer)


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"a":1,"a":1}', "/a"),
        (b'{"a":1,"\\u0061":2}', "/a"),
        (b'[{},{"x":{"":1,"b":2,"":3}}]', "/1/x/"),
        (b'{"a/b~":1,"a/b~":2}', "/a~1b~0"),
        (b'{"a":{"b":1,"b":2},"a":3}', "/a"),
        (b'{"\\ud800":1,"\\ud800":2}', None),
        (b'{"' + b"k" * 256 + b'":1,"' + b"k" * 256 + b'":2}', None),
    ],
)
def test_duplicate_keys(raw: bytes, pointer: str | None) -> None:
    assert refusal(raw) == (JsonFlaw.DUPLICATE_KEY, pointer)


@pytest.mark.parametrize("digits", ["9223372036854775808", "-9223372036854775809", "1" + "0" * 5_000])
def test_integers_beyond_64_bits(digits: str) -> None:
    assert refusal(f'{{"a":[0,{digits}]}}'.encode()) == (JsonFlaw.NUMBER_TOO_LARGE, "/a/1")


def test_numbers_at_the_limits() -> None:
    raw = b"[9223372036854775807,-9223372036854775808,1.7976931348623157e308,1e-999,-0.0,1E2]"
    found = loads(raw)
    assert found == [2**63 - 1, -(2**63), 1.7976931348623157e308, 0.0, 0.0, 100.0]
    assert [type(number) for number in found] == [int, int, float, float, float, float]
    assert math.copysign(1, found[4]) == -1


def test_depth_limit() -> None:
    assert loads(nested(32)) == json.loads(nested(32))
    assert loads(b"[" + b"{}," * 100 + b"0]") == [*([{}] * 100), 0]
    assert refusal(nested(33)) == (JsonFlaw.TOO_DEEP, "/0" * 32)
    assert refusal(b'{"a":[[]]}', max_depth=2) == (JsonFlaw.TOO_DEEP, "/a/0")
    assert refusal(b"[]", max_depth=0) == (JsonFlaw.TOO_DEEP, "")
    assert loads(b'"[[[["', max_depth=0) == "[[[["


def test_escapes_that_only_look_dangerous_pass() -> None:
    assert loads(b'"\\\\u0000 \\\\ud800"') == "\\u0000 \\ud800"
    assert loads(b'{"\\ud83d\\ude00":["\\uD83D\\uDE00",1,null]}') == {"😀": ["😀", 1, None]}


def test_the_first_flaw_of_the_document_is_named() -> None:
    assert refusal(b'{"a":[1,"\\u0000",NaN],"b":1e999}') == (JsonFlaw.BAD_UNICODE, "/a/1")
    assert refusal(b'{"a":[1,NaN,"\\u0000"],"b":1e999}') == (JsonFlaw.NOT_FINITE, "/a/1")


def test_the_message_names_reason_and_place() -> None:
    with pytest.raises(ValueError, match=r"^not_finite at '/a'$"):
        loads(b'{"a":NaN}')
    with pytest.raises(ValueError, match=r"^malformed$"):
        loads(b"{")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"[" * MEGA, JsonFlaw.TOO_DEEP),
        (nested(MEGA), JsonFlaw.TOO_DEEP),
        (b'{"a":' * MEGA, JsonFlaw.TOO_DEEP),
        (nested(500), JsonFlaw.TOO_DEEP),
        (b"9" * MEGA, JsonFlaw.NUMBER_TOO_LARGE),
        (b"9" * MEGA + b".5", JsonFlaw.NOT_FINITE),
        (b"1e" + b"9" * MEGA, JsonFlaw.NOT_FINITE),
        (b"{" + b'"a":1,' * (MEGA // 6) + b'"a":1}', JsonFlaw.DUPLICATE_KEY),
        (b'"' + b"\\ude00" * (MEGA // 6) + b'"', JsonFlaw.BAD_UNICODE),
        # The way to each of the numbers holds the long key: it must not be copied for each.
        (b'{"' + b"k" * MEGA + b'":[' + b"0," * 100_000 + b'"\\u0000"]}', JsonFlaw.BAD_UNICODE),
        (b'"' + b"\\" * MEGA, JsonFlaw.MALFORMED),
        (b"\n" * MEGA + b"x", JsonFlaw.MALFORMED),
    ],
)
def test_hostile_documents_are_refused_without_harm(raw: bytes, reason: JsonFlaw) -> None:
    assert refusal(raw)[0] is reason


@given(st.integers(0, 5), st.integers(0, 5))
def test_two_documents_do_not_affect_each_other(before: int, after: int) -> None:
    assume(before != after)
    assert refusal(b"[" + b"0," * before + b"NaN]") == (JsonFlaw.NOT_FINITE, f"/{before}")
    assert loads(b"[" + b"0," * after + b"1]") == [*([0] * after), 1]
