import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.models.passkeys import Passkey
from app.models.users import User
from app.services.bootstrap import Services
from app.services.passkeys import queries as passkey_queries
from app.services.users import queries as user_queries
from app.tests.support.authenticator import Authenticator, decoded, encoded
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import make_user
from app.tests.support.factors import (
    PASSKEYS,
    add_passkey,
    client_of,
    enable_totp,
    logins,
    new_credential,
    use_passkey,
)
from app.tests.test_api.auth.logins import works

pytestmark = pytest.mark.anyio
PATH = "/api/v1/auth/passkeys"


@pytest.fixture
async def authenticator(own: Client) -> Authenticator:
    """The user's, registered."""
    made = Authenticator()
    await add_passkey(own, made)
    return made


async def log_in(client: Client, credential: Any, **options: Any) -> Answer:
    return await client.as_(None).post(PATH, {"credential": credential, **options})


async def test_no_account_is_named(anonymous: Client) -> None:
    answer = await anonymous.post(f"{PATH}/options")
    options = ok(answer, 200)["public_key"]
    assert answer.headers["cache-control"] == "no-store"
    assert options["allowCredentials"] == []
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    assert len(decoded(options["challenge"])) == 32


@pytest.mark.parametrize(("synced", "kind"), [(False, "hwk"), (True, "swk")])
async def test_logs_in_without_a_password(
    own: Client, services: Services, user: User, synced: bool, kind: str
) -> None:
    authenticator = Authenticator(synced=synced)
    await add_passkey(own, authenticator)
    answer = await log_in(own, await use_passkey(own, authenticator), remember_me=True)
    assert answer.headers["cache-control"] == "no-store"
    assert await works(own, ok(answer, 200))
    session = (await logins(services, user))[-1]
    assert session["methods"] == [kind, "user", "mfa"]
    assert session["expires_at"] - session["created_at"] == timedelta(days=30)


async def test_counts_as_both_factors(own: Client, services: Services, authenticator: Authenticator) -> None:
    await enable_totp(own, services)
    ok(await log_in(own, await use_passkey(own, authenticator)), 200)


async def test_its_use_is_shown(own: Client, services: Services, user: User) -> None:
    authenticator = Authenticator()
    made = await add_passkey(own, authenticator)
    ok(await log_in(own, await use_passkey(own, authenticator)), 200)
    assert ok(await own.get(f"{PASSKEYS}/{made['id']}"))["last_used_at"] is not None
    kept = await services.database.collection(Passkey).find_one({"_id": made["id"]})
    assert kept is not None
    assert kept["sign_count"] == authenticator.counter == 1


async def refused_and_nothing_opened(services: Services, user: User, answer: Answer) -> None:
    refused(answer, 401, "invalid_factor")
    assert len(await logins(services, user)) == 1


@pytest.mark.parametrize(
    "flaw",
    [
        {"origin": "https://pastis.evil.example"},
        {"origin": "http://localhost:8001@evil.example"},
        {"rp_id": "evil.example"},
        {"verifies": False},
        {"user_handle": b"somebody else"},
        {"credential_id": b"unknown" * 4},
    ],
    ids=str,
)
async def test_wrong_claims(
    own: Client, services: Services, user: User, authenticator: Authenticator, flaw: dict[str, Any]
) -> None:
    """Of another page (phishing), another host, without its user, of somebody else, of nobody."""
    for name, value in flaw.items():
        setattr(authenticator, name, value)
    credential = await use_passkey(own, authenticator)
    await refused_and_nothing_opened(services, user, await log_in(own, credential))


async def test_a_signature_by_another_key(
    own: Client, services: Services, user: User, authenticator: Authenticator
) -> None:
    authenticator.key = Authenticator().key
    credential = await use_passkey(own, authenticator)
    await refused_and_nothing_opened(services, user, await log_in(own, credential))


async def test_a_foreign_credential_with_the_victims_handle(
    own: Client, services: Services, user: User, authenticator: Authenticator
) -> None:
    thief = Authenticator()
    await add_passkey(await client_of(services, own, await make_user(services)), thief)
    thief.user_handle = user.id.encode()
    await refused_and_nothing_opened(services, user, await log_in(own, await use_passkey(own, thief)))


async def test_a_challenge_replayed(
    own: Client, services: Services, user: User, authenticator: Authenticator
) -> None:
    options = ok(await own.post(f"{PATH}/options"))["public_key"]
    credential = authenticator.get(options)
    ok(await log_in(own, credential), 200)
    refused(await log_in(own, credential), 401, "invalid_factor")
    refused(await log_in(own, authenticator.get(options)), 401, "invalid_factor")
    assert len(await logins(services, user)) == 2


async def test_used_at_once_by_several(
    own: Client, services: Services, user: User, authenticator: Authenticator
) -> None:
    credential = await use_passkey(own, authenticator)
    answers = await asyncio.gather(*(log_in(own, credential) for _ in range(6)))
    assert sorted(one.status_code for one in answers) == [200] + [401] * 5


async def test_a_challenge_of_the_thiefs_own(
    own: Client, services: Services, user: User, authenticator: Authenticator
) -> None:
    credential = authenticator.get({"challenge": encoded(b"chosen by the attacker, 32 bytes")})
    await refused_and_nothing_opened(services, user, await log_in(own, credential))


async def test_a_challenge_to_register(
    own: Client, services: Services, user: User, authenticator: Authenticator
) -> None:
    options = ok(await own.post(f"{PASSKEYS}/options"))["public_key"]
    await refused_and_nothing_opened(services, user, await log_in(own, authenticator.get(options)))


async def test_a_challenge_lasts_five_minutes(
    own: Client, authenticator: Authenticator, clock: TestClock
) -> None:
    credential = await use_passkey(own, authenticator)
    clock.forward(minutes=5, seconds=1)
    refused(await log_in(own, credential), 401, "invalid_factor")


async def test_a_cloned_authenticator(own: Client, services: Services, user: User) -> None:
    """The counter of a copy falls behind; it is refused, and the owner sees it."""
    authenticator = Authenticator()
    made = await add_passkey(own, authenticator)
    clone = Authenticator(**vars(authenticator))
    for _ in range(3):
        ok(await log_in(own, await use_passkey(own, authenticator)), 200)
    refused(await log_in(own, await use_passkey(own, clone)), 401, "invalid_factor")
    shown = ok(await own.get(f"{PASSKEYS}/{made['id']}"))
    assert shown["clone_suspected_at"] is not None
    ok(await log_in(own, await use_passkey(own, authenticator)), 200)


async def test_nobody_raises_the_alarm_without_the_key(
    own: Client, services: Services, user: User, authenticator: Authenticator
) -> None:
    ok(await log_in(own, await use_passkey(own, authenticator)), 200)
    forger = Authenticator(**{**vars(authenticator), "key": Authenticator().key, "counter": 0, "step": 0})
    refused(await log_in(own, await use_passkey(own, forger)), 401, "invalid_factor")
    kept = await services.database.collection(Passkey).find_one({"user_id": user.id})
    assert kept is not None
    assert kept["clone_suspected_at"] is None


async def test_authenticators_that_do_not_count(own: Client) -> None:
    authenticator = Authenticator(synced=True, step=0)
    await add_passkey(own, authenticator)
    for _ in range(3):
        ok(await log_in(own, await use_passkey(own, authenticator)), 200)


async def test_a_deactivated_account_has_no_way_in(
    own: Client, services: Services, user: User, authenticator: Authenticator
) -> None:
    await user_queries.update(services.database, user.id, {"active": False})
    refused(await log_in(own, await use_passkey(own, authenticator)), 401, "invalid_factor")


async def test_a_deleted_account_has_none_either(
    own: Client, services: Services, user: User, authenticator: Authenticator
) -> None:
    await user_queries.delete(services.database, user.id)
    refused(await log_in(own, await use_passkey(own, authenticator)), 401, "invalid_factor")


async def test_two_uses_that_tell_the_same_count_are_one(
    own: Client, services: Services, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another request was faster: between the read and the write its use was counted."""

    async def counted(*_: object) -> bool:
        return False

    monkeypatch.setattr(passkey_queries, "count_use", counted)
    refused(await log_in(own, await use_passkey(own, authenticator)), 401, "invalid_factor")


async def test_what_registers_does_not_log_in(own: Client, authenticator: Authenticator) -> None:
    registration = await new_credential(own, Authenticator())
    used = await use_passkey(own, authenticator)
    used["response"]["clientDataJSON"] = registration["response"]["clientDataJSON"]
    refused(await log_in(own, used), 401, "invalid_factor")


@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
async def test_hostile_bytes(own: Client, authenticator: Authenticator, member: str) -> None:
    for content in ("A", "AAAA", "_" * 8192, "e30", "bnVsbA"):
        credential = await use_passkey(own, authenticator)
        credential["response"][member] = content
        refused(await log_in(own, credential), 401, "invalid_factor")


async def test_malformed(own: Client, authenticator: Authenticator) -> None:
    good = await use_passkey(own, authenticator)
    response = good["response"]
    wrong: tuple[Any, ...] = (
        *(None, {}, [], "x", {**good, "type": "x"}, {**good, "rawId": None}, {**good, "id": {"$ne": ""}}),
        *({**good, "response": {**response, "signature": one}} for one in (None, "", "a b", "é", "x" * 8193)),
        {**good, "response": {key: value for key, value in response.items() if key != "userHandle"}},
    )
    for one in wrong:
        refused(await log_in(own, one), 422, "validation_failed")
    ok(await log_in(own, good), 200)
