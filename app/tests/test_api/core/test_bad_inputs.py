"""Requests that no route may accept, sent to every route: a problem answers, and nothing changes."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from app.core.errors import STATUS, ErrorCode
from app.tests.support.clients import Answer, Client, ok
from app.tests.support.clock import TestClock
from app.tests.support.conventions import unchanged
from app.tests.support.factories import log_in
from app.tests.test_api.core.routes import (
    BY_ID,
    CLOSED,
    JSON,
    METHODS,
    OPERATIONS,
    WITH_JSON,
    Operation,
)
from app.tests.test_api.core.world import BODIES, PLACES, Values, World, sent_as
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

ABSENT = "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01"
EVENTS = 99_999
VERSIONED = [one for one in OPERATIONS if "if-match" in one.names("header")]
NEW = [one for one in OPERATIONS if one.method == "POST" and one not in VERSIONED]
KEYED = [one for one in OPERATIONS if "idempotency-key" in one.names("header")]
BODILESS = [one for one in OPERATIONS if one.method != "GET" and one.media_type is None]
LISTS = [one for one in OPERATIONS if "cursor" in one.names("query")]


class Attempts:
    """Bad requests to one route, from a valid one; collects what was not refused as it should be."""

    def __init__(self, world: World, operation: Operation, values: Values, body: Any) -> None:
        self.world = world
        self.operation = operation
        self.values = values
        self.body = body
        self.wrong: list[str] = []

    @property
    def path(self) -> str:
        return self.operation.path.format(**self.values)

    async def send(self, client: Client | None = None, **options: Any) -> Answer:
        """The valid request, other where the options say so."""
        method = options.pop("method", self.operation.method)
        path = options.pop("path", self.path)
        if self.body is not None and not options.keys() & {"json", "data", "content", "files"}:
            options |= sent_as(self.operation, self.body)
        if "json" in options:  # with escapes, since some texts cannot be encoded
            options["content"] = json.dumps(options.pop("json")).encode()
            options["headers"] = {"Content-Type": JSON, **options.get("headers", {})}
        return await (client or self.world.owner).request(method, path, **options)

    def expect(self, answer: Answer, what: object, *codes: ErrorCode, declared: bool = True) -> None:
        """Hold the answer to these refusals, which the description of the route must know."""
        problem = answer.json() if answer.content else {}
        known = answer.headers.get("content-type") == "application/problem+json"
        right = known and problem["code"] in codes and answer.status_code == STATUS[problem["code"]]
        if not right or problem["status"] != answer.status_code:
            self.wrong.append(f"{what!r:.100}: {answer.status_code} {answer.text[:200]}")
        elif declared and problem["code"] not in self.operation.problems.get(answer.status_code, ()):
            self.wrong.append(f"{what!r:.100}: {problem['code']} is not declared")


@asynccontextmanager
async def attempts(world: World, operation: Operation) -> AsyncIterator[Attempts]:
    values = await world.values(operation)
    found = Attempts(world, operation, values, await world.body(operation, values))
    async with unchanged(world.services, world.workspace):
        yield found
    assert not found.wrong, "\n".join(found.wrong)


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
        for name in operation.names("query"):
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
    "label": IDS,
    "limit": [*NUMBERS, "0", "201", "1000000000"],
    "parent": ["NOPE-1", ABSENT[:-1], "", "x" * 61, "$ne"],
    "priority": CHOICES,
    "project": ["NOPE", ABSENT, "", "x" * 61, "$ne"],
    "q": ["", "x" * 201],
    "sort": ["title", "$where", "rank,due", "--rank", "-", "", "RANK", "rank\n", "derived.due"],
    "state": ["deleted", "", "active,archived", "ACTIVE"],
    "status": IDS,
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
    if name == "cursor":
        return [ErrorCode.INVALID_CURSOR, ErrorCode.VALIDATION_FAILED]
    if name in ("project", "parent"):
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


# Other methods on /tasks/batch mean a task of that name.
@pytest.mark.parametrize("path", sorted({one.path for one in OPERATIONS if one.id != "batch_tasks"}))
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
            assert _lasting(head) == _lasting(got)
        etag = (await found.send()).headers.get("etag")
        if etag is not None:
            head = await found.send(method="HEAD", headers={"If-None-Match": etag})
            assert (head.status_code, head.headers["etag"]) == (304, etag)


def _lasting(answer: Answer) -> dict[str, str]:
    """The headers, without the ids of requests, which are in problems too."""
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


@pytest.mark.parametrize("operation", VERSIONED, ids=str)
async def test_bad_preconditions(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        for value in ("1", '"1', '"a" "b"', "abc", "", ",", '"1",', "W/1", 'w/"1"', "**", '"1"; "2"'):
            answer = await found.send(headers={"If-Match": value})
            found.expect(answer, value, ErrorCode.INVALID_PRECONDITION)
        for value in ('"99999999"', 'W/"1"', '"-1"', '"1.0"', f'"{"9" * 400}"', '"\xe9"'):
            answer = await found.send(headers={"If-Match": value.encode("latin-1")})
            found.expect(answer, value, ErrorCode.PRECONDITION_FAILED)


@pytest.mark.parametrize("operation", NEW, ids=str)
async def test_nothing_matches_what_is_not_there_yet(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        for value in ("*", '"1"', f'"{EVENTS}"', 'W/"1"', '"x", "y"'):
            answer = await found.send(headers={"If-Match": value})
            found.expect(answer, value, ErrorCode.PRECONDITION_FAILED)
            assert "current" not in answer.json()
        for value in ("1", "", "**"):
            answer = await found.send(headers={"If-Match": value})
            found.expect(answer, value, ErrorCode.INVALID_PRECONDITION)
    answer = await found.send(headers={"If-None-Match": "*"})  # which is so, and all that it asks for
    assert answer.status_code == operation.success, answer.text
    if operation.success == 202:
        await world.ended(answer.headers["location"])


@pytest.mark.parametrize("operation", KEYED, ids=str)
async def test_bad_idempotency_keys(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        for value in ("", " ", "a b", "x" * 256, "é", "\x7f", "a\tb"):
            answer = await found.send(headers={"Idempotency-Key": value.encode()})
            found.expect(answer, value, ErrorCode.INVALID_IDEMPOTENCY_KEY)
        answer = await send_twice(found, [("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
        found.expect(answer, "double", ErrorCode.INVALID_IDEMPOTENCY_KEY)


@pytest.mark.parametrize("operation", CLOSED, ids=str)
async def test_bad_credentials(operation: Operation, world: World, clock: TestClock) -> None:
    user = world.workspace.users["owner"]
    revoked = await log_in(world.services, user)
    await world.owner.as_(revoked).post("/api/v1/auth/logout")
    tokens = await world.services.sessions.open(user.id, remember_me=True, client="tests")
    nobody = world.owner.as_(None)
    async with attempts(world, operation) as found:
        for value in (None, "", "Basic b3duZXI6cGFzc3dvcmQ=", "Token x", tokens.access_token, "Digest x"):
            answer = await found.send(nobody, headers={} if value is None else {"Authorization": value})
            found.expect(answer, value, ErrorCode.AUTHENTICATION_REQUIRED)
        for token in (
            *("x", "null", "{}", "x" * 5000, "\xe9", tokens.access_token[:-1], tokens.access_token + "x"),
            *(revoked, tokens.refresh_token, tokens.access_token.upper(), f" {revoked}"),
        ):
            headers = {"Authorization": f"Bearer {token}".encode("latin-1")}
            answer = await found.send(nobody, headers=headers)
            found.expect(answer, token, ErrorCode.INVALID_TOKEN)
            assert answer.headers["www-authenticate"].startswith("Bearer")
        answer = await found.send(nobody, headers={"Cookie": f"access_token={tokens.access_token}"})
        found.expect(answer, "cookie", ErrorCode.AUTHENTICATION_REQUIRED)
        double = [("Authorization", f"Bearer {one}") for one in (tokens.access_token, revoked)]
        for both in (double, double[::-1]):
            answer = await send_twice(found, both)
            found.expect(answer, "double", ErrorCode.BOTH_CREDENTIALS)
        clock.forward(minutes=16)
        answer = await found.send(nobody.as_(tokens.access_token))
        found.expect(answer, "expired", ErrorCode.INVALID_TOKEN)


async def send_twice(found: Attempts, headers: list[tuple[str, str]], content: bytes | None = None) -> Answer:
    """The valid request with one header twice, as no well-behaved client sends it."""
    authorization = ("Authorization", f"Bearer {found.world.owner.token}")
    if not any(name == "Authorization" for name, _ in headers):
        headers = [authorization, *headers]
    options = sent_as(found.operation, found.body) if content is None else {"content": content}
    http = found.world.owner.http
    return await http.request(found.operation.method, found.path, headers=headers, **options)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.media_type], ids=str)
async def test_two_media_types(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        request = found.world.owner.http.build_request("POST", "/", **sent_as(operation, found.body))
        own = request.headers["content-type"]
        for types in ((own, "text/plain"), ("text/plain", own), (own, own)):
            answer = await send_twice(found, [("Content-Type", one) for one in types], request.read())
            found.expect(answer, types, ErrorCode.UNSUPPORTED_MEDIA_TYPE)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_too_large_a_head(operation: Operation, world: World) -> None:
    async with attempts(world, operation) as found:
        answer = await found.send(headers={"X-Long": "x" * 40_000})
        found.expect(answer, "headers", ErrorCode.HEADERS_TOO_LARGE)
        answer = await found.send(path=f"{found.path}?{'x' * 9000}")
        found.expect(answer, "target", ErrorCode.URI_TOO_LONG)


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


async def test_forged_hosts_are_not_repeated(world: World) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    for operation in OPERATIONS:
        if operation.method == "GET":
            values = await world.values(operation)
            path = operation.path.format(**values)
            answer = await world.owner.get(
                path, headers=headers, params={"limit": 1} if "limit" in operation.names("query") else {}
            )
            assert answer.status_code == operation.success
            assert "evil" not in answer.text + str(answer.headers), operation.id
    answer = await world.owner.post(f"{world.base}/labels", {"name": new_id()}, headers=headers)
    assert ok(answer, 201)
    assert "evil" not in answer.text + str(answer.headers)
