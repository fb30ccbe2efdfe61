import asyncio
from typing import Any

import cbor2
import pytest

from app.core.documents import Doc
from app.models.passkeys import Passkey
from app.models.users import User
from app.services.bootstrap import Services
from app.services.passkeys import rules
from app.tests.support.authenticator import Authenticator, decoded, encoded
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import log_in, make_user
from app.tests.support.factors import (
    FACTORS,
    PASSKEYS,
    add_passkey,
    client_of,
    enable_totp,
    kept_factors,
    logins,
    new_credential,
    use_passkey,
)

pytestmark = pytest.mark.anyio


async def kept(services: Services, user: User) -> list[Doc]:
    return await services.database.collection(Passkey).find({"user_id": user.id}).to_list()


async def register(client: Client, credential: Any, name: Any = "Laptop") -> Any:
    return await client.post(PASSKEYS, {"name": name, "credential": credential})


async def test_registers(own: Client, services: Services, user: User) -> None:
    authenticator = Authenticator()
    answer = await register(own, await new_credential(own, authenticator))
    made = ok(answer, 201)
    assert answer.headers["cache-control"] == "no-store"
    codes = made.pop("recovery_codes")
    assert made == ok(await own.get(answer.headers["location"]))
    assert (made["name"], made["synced"]) == ("Laptop", False)
    assert (made["last_used_at"], made["clone_suspected_at"]) == (None, None)
    (doc,) = await kept(services, user)
    assert doc["credential_id"] == encoded(authenticator.credential_id)
    assert doc["transports"] == ["internal"]
    assert len(set(codes)) == len((await kept_factors(services, user))["recovery_hashes"]) == 10


async def test_this_login_has_a_second_factor_from_now_on(
    own: Client, services: Services, user: User
) -> None:
    (before,) = await logins(services, user)
    await add_passkey(own, Authenticator())
    (after,) = await logins(services, user)
    assert after == {**before, "methods": ["pwd", "hwk", "user", "mfa"]}


async def test_several_on_one_account(own: Client, services: Services, user: User) -> None:
    first = await add_passkey(own, Authenticator(), "Laptop")
    second = await add_passkey(own, Authenticator(synced=True), "Phone")
    assert len(first["recovery_codes"]) == 10
    assert second["recovery_codes"] == []
    assert second["synced"] is True
    assert [one["name"] for one in ok(await own.get(FACTORS))["passkeys"]] == ["Laptop", "Phone"]


async def test_recovery_codes_that_are_there_stay(own: Client, services: Services, user: User) -> None:
    await enable_totp(own, services)
    before = await kept_factors(services, user)
    assert (await add_passkey(own, Authenticator()))["recovery_codes"] == []
    assert await kept_factors(services, user) == before


@pytest.mark.usefixtures("long_memory")
async def test_sessions_survive_the_first_passkey(own: Client, services: Services, user: User) -> None:
    """They do not, unless the client says so."""
    elsewhere = own.as_(await log_in(services, user))
    ok(await elsewhere.get("/api/v1/me"))
    await add_passkey(own, Authenticator(), end_other_logins=False)
    ok(await elsewhere.get("/api/v1/me"))
    await add_passkey(own, Authenticator())
    refused(await elsewhere.get("/api/v1/me"), 401, "invalid_token")
    ok(await own.get("/api/v1/me"))


@pytest.mark.parametrize(
    "flaw",
    [
        {"origin": "https://pastis.evil.example"},
        {"origin": "http://localhost:8001.evil.example"},
        {"origin": "http://localhost"},
        {"origin": "https://localhost:8001"},
        {"rp_id": "evil.example"},
        {"verifies": False},
    ],
    ids=str,
)
async def test_made_for_another_page_or_without_its_user(
    own: Client, services: Services, user: User, flaw: dict[str, Any]
) -> None:
    credential = await new_credential(own, Authenticator(**flaw))
    refused(await register(own, credential), 401, "invalid_factor")
    assert await kept(services, user) == []


async def test_a_challenge_replayed(own: Client, services: Services, user: User) -> None:
    options = ok(await own.post(f"{PASSKEYS}/options"))["public_key"]
    ok(await register(own, Authenticator().create(options)), 201)
    refused(await register(own, Authenticator().create(options)), 401, "invalid_factor")
    assert len(await kept(services, user)) == 1


async def test_a_challenge_used_at_once_by_several(own: Client, services: Services, user: User) -> None:
    options = ok(await own.post(f"{PASSKEYS}/options"))["public_key"]
    answers = await asyncio.gather(*(register(own, Authenticator().create(options)) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [201] + [401] * 5
    assert len(await kept(services, user)) == 1


async def test_anothers_challenge(own: Client, services: Services, user: User) -> None:
    other = await client_of(services, own, await make_user(services))
    credential = await new_credential(other, Authenticator())
    refused(await register(own, credential), 401, "invalid_factor")
    assert await kept(services, user) == []


async def test_a_challenge_to_log_in(own: Client, services: Services, user: User) -> None:
    options = ok(await own.post("/api/v1/auth/passkeys/options"))["public_key"]
    forged = {**options, "user": {"id": encoded(user.id.encode())}}
    refused(await register(own, Authenticator().create(forged)), 401, "invalid_factor")


async def test_a_challenge_lasts_five_minutes(own: Client, clock: TestClock) -> None:
    credential = await new_credential(own, Authenticator())
    clock.forward(minutes=5, seconds=1)
    refused(await register(own, credential), 401, "invalid_factor")


async def test_a_credential_that_is_registered(own: Client, services: Services) -> None:
    """On this account or another one, which looks the same."""
    authenticator = Authenticator()
    await add_passkey(own, authenticator)
    other = await client_of(services, own, await make_user(services))
    for client in (own, other):
        refused(await register(client, await new_credential(client, authenticator)), 409, "already_exists")


async def test_the_signature_of_a_login_registers_nothing(own: Client) -> None:
    authenticator = Authenticator()
    await add_passkey(own, authenticator)
    credential = await use_passkey(own, authenticator)
    credential["response"]["attestationObject"] = credential["response"]["authenticatorData"]
    refused(await register(own, credential), 401, "invalid_factor")


async def test_hostile_bytes(own: Client, services: Services, user: User) -> None:
    """Whatever stands in them, it is a refusal."""
    good = decoded((await new_credential(own, Authenticator()))["response"]["attestationObject"])
    statement = cbor2.loads(good)
    hostile = [
        b"",
        b"\xff" * 40,
        good[:-1],
        cbor2.dumps([]),
        cbor2.dumps({}),
        cbor2.dumps({**statement, "fmt": "packed"}),
        cbor2.dumps({**statement, "fmt": "packed", "attStmt": {"alg": -7, "sig": b"x", "x5c": [b"x"]}}),
        cbor2.dumps({**statement, "fmt": "tpm", "attStmt": {"ver": 1}}),
        cbor2.dumps({**statement, "fmt": "android-key", "attStmt": {"x5c": []}}),
        cbor2.dumps({**statement, "fmt": "fido-u2f", "attStmt": {"x5c": [b""]}}),
        cbor2.dumps({**statement, "fmt": 5}),
        cbor2.dumps({**statement, "attStmt": 5}),
        cbor2.dumps({**statement, "authData": statement["authData"][:50]}),
        cbor2.dumps({**statement, "authData": statement["authData"][:-70] + b"\xa1\x01\x02" + b"\x00" * 67}),
    ]
    for content in hostile:
        credential = await new_credential(own, Authenticator())
        credential["response"]["attestationObject"] = encoded(content) or "A"
        refused(await register(own, credential), 401, "invalid_factor")
    for client_data in (b"{}", b"[]", b"\xff", b"null", b'{"challenge": 5}', b'{"challenge": "x"}'):
        credential = await new_credential(own, Authenticator())
        credential["response"]["clientDataJSON"] = encoded(client_data)
        refused(await register(own, credential), 401, "invalid_factor")
    assert await kept(services, user) == []


async def test_there_is_a_limit(own: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_PASSKEYS", 2)
    for _ in range(2):
        await add_passkey(own, Authenticator())
    refused(await register(own, await new_credential(own, Authenticator())), 409, "limit_reached")


async def test_malformed(own: Client, services: Services, user: User) -> None:
    good = await new_credential(own, Authenticator())
    for wrong in (
        None,
        {},
        "x",
        {**good, "type": "password"},
        {**good, "response": {}},
        {**good, "id": "a b"},
    ):
        refused(await register(own, wrong), 422, "validation_failed")
    names: tuple[Any, ...] = (None, "", " ", "x" * 101, "a\nb", {})
    for name in names:
        refused(await register(own, good, name), 422, "validation_failed")
    assert await kept(services, user) == []


async def test_asks_for_a_fresh_login(own: Client, services: Services, user: User, clock: TestClock) -> None:
    credential = await new_credential(own, Authenticator())
    clock.forward(minutes=11)
    refused(await register(own, credential), 403, "reauthentication_required")
    assert await kept(services, user) == []


async def test_without_a_login(own: Client) -> None:
    credential = await new_credential(own, Authenticator())
    refused(await register(own.as_(None), credential), 401, "authentication_required")
