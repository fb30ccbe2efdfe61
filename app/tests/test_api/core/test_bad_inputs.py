"""Bodies, parameters and paths that no route may accept, sent to every route: nothing changes."""

import json
from typing import Any

import pytest

from app.core.errors import ErrorCode
from app.tests.support.clients import Answer, ok
from app.tests.test_api.core.attempts import ABSENT, EVENTS, attempts
from app.tests.test_api.core.bodies import BODIES
from app.tests.test_api.core.places import PLACES
from app.tests.test_api.core.routes import (
    BY_ID,
    JSON,
    METHODS,
    OPERATIONS,
    WITH_JSON,
    Operation,
)
from app.tests.test_api.core.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

BODILESS = [one for one in OPERATIONS if one.method != "GET" and one.media_type is None]
LISTS = [one for one in OPERATIONS if "cursor" in one.names("query")]


def test_every_route_has_a_valid_request_to_start_from() -> None:
    with_body = {one.id for one in OPERATIONS if one.media_type is not None}
    assert with_body == set(BODIES), "a route has no body in world.py, or a body no route"
    assert {name for one in OPERATIONS for name in one.segments} == set(PLACES)
    assert len(OPERATIONS) > 50


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_the_valid_request_is_valid(operation: Operation, world: World) -> None:
    answer = await world.call(operation, world.owner)
    assert answer.status_code == operation.success, answer.text


@pytest.mark.parametrize("operation", BODILESS, ids=str)
async def test_bodies_where_none_is_taken(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        bodies: tuple[Any, ...] = ({"dry_run": True}, {"x": 1}, [], None, "x", 0)
        for body in bodies:
            found.expect(await found.send(json=body), body, ErrorCode.VALIDATION_FAILED)
        for raw in (b"{", b"garbage", b" ", b'{"x": 1, "x": 2}'):
            answer = await found.send(content=raw, headers={"Content-Type": JSON})
            found.expect(answer, raw, ErrorCode.MALFORMED_JSON)
        for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
            answer = await found.send(content=b'{"x": 1}', headers={"Content-Type": media_type})
            found.expect(answer, media_type, ErrorCode.UNSUPPORTED_MEDIA_TYPE)
        answer = await found.send(json={"x": "x" * found.world.services.settings.max_body_bytes})
        found.expect(answer, "large", ErrorCode.BODY_TOO_LARGE)
    answer = await world.owner.request(operation.method, found.path, json={})
    assert answer.status_code == operation.success, answer.text


def broken_json(valid: Any) -> list[tuple[bytes, ErrorCode]]:
    text = json.dumps(valid).encode()
    name = next(iter(valid))
    rest = text[1:]
    malformed = [
        b"{",
        b"nonsense",
        b"{'a': 1}",
        text + b"}",
        text + text,
        text[:-1],
        text[:-1] + b",}",
        b"\xef\xbb\xbf" + text,
        b"/* */" + text,
        b'{"x": NaN, ' + rest,
        b'{"x": Infinity, ' + rest,
        b'{"x": -Infinity, ' + rest,
        b'{"x": 1e999, ' + rest,
        b'{"x": 9223372036854775808, ' + rest,
        b'{"x": -9223372036854775809, ' + rest,
        b'{"x": ' + b"9" * 5000 + b", " + rest,
        f'{{"{name}": "twice", '.encode() + rest,
        b'{"x": ' + b"[" * 33 + b"]" * 33 + b", " + rest,
        b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b", " + rest,
        b'{"x": "\\u0000", ' + rest,
        b'{"x": "\\ud800", ' + rest,
        b'{"\\udfff": 1, ' + rest,
        b'{"x": "\xff", ' + rest,
        b'{"x": "\xed\xa0\x80", ' + rest,
        b'{"x": "\x00", ' + rest,
        b'{"x": "\n", ' + rest,
        text.decode().encode("utf-16"),
        b"   ",
    ]
    whole = [b"[]", b"null", b'"x"', b"1", b"true", b"[" + text + b"]"]
    return [
        *((content, ErrorCode.MALFORMED_JSON) for content in malformed),
        *((content, ErrorCode.VALIDATION_FAILED) for content in whole),
        (b"", ErrorCode.VALIDATION_FAILED),
        (b'{"x": "' + b"x" * 1_048_576 + b'"}', ErrorCode.BODY_TOO_LARGE),
    ]


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
async def test_broken_json(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        for content, code in broken_json(found.body):
            answer = await found.send(content=content, headers={"Content-Type": JSON})
            found.expect(answer, content[:80], code)


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
async def test_other_media_types(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        text = json.dumps(found.body).encode()
        for media_type in (
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/jsonp",
            "application/json5",
            "*/*",
            "json",
            "",
        ):
            answer = await found.send(content=text, headers={"Content-Type": media_type})
            found.expect(answer, media_type, ErrorCode.UNSUPPORTED_MEDIA_TYPE)
        found.expect(await found.send(content=text), "none", ErrorCode.UNSUPPORTED_MEDIA_TYPE)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_unknown_and_repeated_parameters(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        for name in ("colour", "$where", "limit[]", "", "x" * 500, "Limit", "dry-run"):
            answer = await found.send(params={name: "1"})
            found.expect(answer, name, ErrorCode.UNKNOWN_PARAMETER)
        for name in set(operation.names("query")) - LISTED:
            answer = await found.send(path=f"{found.path}?{name}=1&{name}=1")
            found.expect(answer, name, ErrorCode.REPEATED_PARAMETER)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_bad_values_of_query_parameters(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        for parameter in operation.parameters("query"):
            for value in bad_values(parameter["name"], parameter["schema"]):
                answer = await found.send(params={parameter["name"]: value})
                what = (parameter["name"], value)
                found.expect(answer, what, *refusals_of(parameter["name"]))


LISTED = {"fields"}
"""Parameters that may come more than once."""
NUMBERS = [
    "-1",
    "5.0",
    "+5",
    "05",
    "5_0",
    " 5",
    "x",
    "1.5",
    "1e9",
    "",
    " ",
    "0x10",
    "9" * 30,
    "٣",
    "true",
    "$ne",
]
BOOLEANS = ["maybe", "", "2", "-1", "truee", "null", "[]", "$ne"]
DATES = ["yesterday", "2026-02-30", "2026-13-01", "26-01-01", "0", "", "2026-W01-1", "20261201"]
IDS = ["x", "$ne", "", ",", f"{ABSENT},x", ABSENT.upper(), ABSENT + "\n", ",".join([ABSENT] * 51), "x" * 2001]
CHOICES = ["nonsense", "", ",", "$ne", "none,,none", "x" * 2001]
FILTERS: dict[str, list[str]] = {
    "assignee": IDS,
    "category": CHOICES,
    "count": BOOLEANS,
    "cursor": ["", "x", "{}", "=", "AAAA", "A" * 1024, "A" * 1025, "é"],
    "include": ["external", "description,description", ""],
    "fields": ["", "task", "task:", "task:keys", "nobody:title", "task:title,", "x" * 501],
    "format": ["xml", "", "CSV"],
    "kind": ["nonsense", "", "login", "$ne", "LOGIN.FAIL"],
    "label": IDS,
    "limit": [*NUMBERS, "0", "201", "1000000000"],
    "membership": ["x", "", "$ne", ABSENT.upper()],
    "parent": ["NOPE-1", ABSENT[:-1], "", "x" * 61, "$ne"],
    "priority": CHOICES,
    "project": ["NOPE", ABSENT, "", "x" * 61, "$ne"],
    "q": ["", "x" * 201],
    "since": ["", "x", "a.b.c", "é", "A" * 121],
    "sort": ["title", "$where", "rank,due", "--rank", "-", "", "RANK", "rank\n", "derived.due"],
    "state": ["deleted", "", "active,archived", "ACTIVE"],
    "status": IDS,
    "task": ["NOPE-1", ABSENT, "", "x" * 61, "$ne"],
    "wait": [*NUMBERS, "31"],
    "version": ["", "x", "5B2F0D6C1E9A4C3F8D7E6B5A", "5b2f0d6c1e9a4c3f8d7e6b5a0", "$ne"],
}


def bad_values(name: str, schema: dict[str, Any]) -> list[str]:
    """What a parameter refuses, by its name or else by what the description says of it."""
    if name in FILTERS:
        return FILTERS[name]
    choices = [schema, *schema.get("anyOf", ())]
    if any(one.get("type") == "boolean" for one in choices):
        return BOOLEANS
    if any(one.get("format") in ("date", "date-time") for one in choices):
        return [*DATES, "2026-12-01T00:00:00"]
    raise AssertionError(f"say in FILTERS what {name} refuses")


def refusals_of(name: str) -> list[ErrorCode]:
    if name in ("cursor", "since"):
        return [ErrorCode.INVALID_CURSOR, ErrorCode.VALIDATION_FAILED]
    if name in ("membership", "parent", "project", "task"):
        return [ErrorCode.NOT_FOUND, ErrorCode.VALIDATION_FAILED]
    return [ErrorCode.VALIDATION_FAILED]


@pytest.mark.parametrize("operation", LISTS, ids=str)
async def test_cursors_of_other_lists(operation: Operation, world: World) -> None:
    for name in ("B", "C"):
        await world.made("/labels", {"name": name})
    foreign = [
        ok(await world.owner.get(f"{world.base}/{stem}", params={"limit": 1}))["next_cursor"]
        for stem in ("labels", "memberships")
    ]
    async with attempts(world, operation) as found:
        for cursor, kind in zip(foreign, ("labels", "memberships"), strict=True):
            if operation.id != f"list_{kind}":
                answer = await found.send(params={"cursor": cursor})
                found.expect(answer, kind, ErrorCode.INVALID_CURSOR)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.segments], ids=str)
async def test_malformed_and_absent_names_in_paths(operation: Operation, world: World) -> None:
    refusals = (ErrorCode.NOT_FOUND, ErrorCode.VALIDATION_FAILED)
    async with attempts(world, operation) as found:
        for name in operation.segments:
            for value in (
                *("%00", "$ne", "x", "%F0%9F%92%A3", "%FF", "..%2f..", "%2e%2e", "{}", "null", "-1", "0"),
                *(ABSENT, ABSENT.upper(), ABSENT + "0", ABSENT[:14] + "4" + ABSENT[15:], "NOPE", "NOPE-1"),
                *("x" * 61, "x" * 2000, "9" * 30, str(EVENTS), "%0A", "%E2%80%AE", "a,b", "[$ne]"),
            ):
                path = operation.path.format(**found.values | {name: value})
                found.expect(await found.send(path=path), (name, value), *refusals)
            path = operation.path.format(**found.values | {name: ABSENT if name != "seq" else EVENTS})
            found.expect(await found.send(path=path), (name, "absent"), ErrorCode.NOT_FOUND)


# Other methods on /tasks/batch mean a task of that name, and so on.
NAMES = ("batch_tasks", "create_passkey_options")


@pytest.mark.parametrize("path", sorted({one.path for one in OPERATIONS if one.id not in NAMES}))
async def test_other_methods(path: str, world: World) -> None:
    allowed = [one for one in OPERATIONS if one.path == path]
    async with attempts(world, allowed[0]) as found:
        methods = {one.method for one in allowed}
        if "GET" in methods:
            methods.add("HEAD")
        for method in {*METHODS, "TRACE", "PROPFIND"} - methods:
            answer = await found.send(method=method, content=b"")
            if method == "HEAD":
                assert (answer.status_code, answer.content) == (405, b"")
            else:
                found.expect(answer, method, ErrorCode.METHOD_NOT_ALLOWED, declared=False)
            assert answer.headers["allow"].split(", ") == sorted(methods)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.method == "GET"], ids=str)
async def test_head_is_answered_as_get_without_a_body(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        for options in ({}, {"client": world.owner.as_("x")}, {"params": {"colour": "1"}}):
            got = await found.send(**options)
            head = await found.send(method="HEAD", **options)
            assert (head.status_code, head.content) == (got.status_code, b"")
            assert _lasting(operation, head) == _lasting(operation, got)
        etag = (await found.send()).headers.get("etag")
        if etag is not None:
            head = await found.send(method="HEAD", headers={"If-None-Match": etag})
            assert (head.status_code, head.headers["etag"]) == (304, etag)


def _lasting(operation: Operation, answer: Answer) -> dict[str, str]:
    """The headers, without the ids of requests, which are in problems too; metrics grow with each request."""
    passing = {"x-request-id", "content-length"} if operation.path == "/metrics" else {"x-request-id"}
    return {name: value for name, value in answer.headers.items() if name not in passing}


async def test_paths_that_lead_nowhere(world: World) -> None:
    operation = BY_ID["get_workspace"]
    async with attempts(world, operation) as found:
        for path in (
            "",
            "/",
            "/api",
            "/api/v1",
            "/api/v2/me",
            "//",
            f"{found.path}/nothing",
            "/%00",
            "/a\\b",
        ):
            found.expect(await found.send(path=path), path, ErrorCode.NOT_FOUND)


async def test_a_slash_at_the_end_leads_nowhere_else(world: World) -> None:
    """A redirection would carry a token to wherever a forged Host says."""
    operation = BY_ID["get_workspace"]
    async with attempts(world, operation) as found:
        answer = await found.send(path=f"{found.path}/", headers={"Host": "evil.example"})
        found.expect(answer, "slash", ErrorCode.NOT_FOUND)
