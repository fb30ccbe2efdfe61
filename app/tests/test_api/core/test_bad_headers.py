"""Headers that no route may accept, sent to every route: a problem answers, and nothing changes."""

from typing import Any

import pytest

from app.core.errors import ErrorCode
from app.tests.support.clients import Answer, ok
from app.tests.support.clock import TestClock
from app.tests.support.factories import log_in
from app.tests.test_api.core.attempts import EVENTS, Attempts, attempts
from app.tests.test_api.core.routes import (
    CLOSED,
    OPERATIONS,
    Operation,
)
from app.tests.test_api.core.world import World, sent_as
from app.utils.ids import new_id

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

VERSIONED = [one for one in OPERATIONS if "if-match" in one.names("header")]
NEW = [one for one in OPERATIONS if one.method == "POST" and one not in VERSIONED]
KEYED = [one for one in OPERATIONS if "idempotency-key" in one.names("header")]


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
    await world.settled(answer)


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
    options: dict[str, Any] = {"content": content}
    if content is None:
        options = sent_as(found.operation, found.body)
        headers += options.pop("headers", {}).items()
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
