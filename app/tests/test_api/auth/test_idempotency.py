"""An Idempotency-Key with what hands out and ends logins: checked, and nothing is kept."""

import pytest

from app.core.log import Mutation
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import PASSWORD
from app.tests.test_api.auth.logins import log_in, sessions_of, works
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio
AUTH = "/api/v1/auth"


async def test_a_login_sent_again_is_another_login(anonymous: Client, services: Services, user: User) -> None:
    headers = {"Idempotency-Key": new_id()}
    body = {"email": user.email, "password": PASSWORD}
    first, second = [await anonymous.post(f"{AUTH}/login", body, headers=headers) for _ in range(2)]
    assert ok(first, 200)["access_token"] != ok(second, 200)["access_token"]
    assert "idempotency-replayed" not in second.headers
    assert await works(anonymous, first.json())
    assert len(await sessions_of(services, user)) == 2
    kept = await services.database.collection(Mutation).count_documents({"_id": {"$regex": user.id}})
    assert kept == 0


async def test_a_refresh_sent_again_gives_the_same_tokens(anonymous: Client, user: User) -> None:
    headers = {"Idempotency-Key": new_id()}
    body = {"refresh_token": (await log_in(anonymous, user))["refresh_token"]}
    first, second = [await anonymous.post(f"{AUTH}/refresh", body, headers=headers) for _ in range(2)]
    tokens, again = ok(first, 200), ok(second, 200)
    assert {**tokens, "expires_in": 0} == {**again, "expires_in": 0}


async def test_a_logout_sent_again_has_nothing_to_end(anonymous: Client, user: User) -> None:
    client = anonymous.as_((await log_in(anonymous, user))["access_token"])
    headers = {"Idempotency-Key": new_id()}
    ok(await client.post(f"{AUTH}/logout", headers=headers), 204)
    refused(await client.post(f"{AUTH}/logout", headers=headers), 401, "invalid_token")


async def test_a_bad_key_and_a_precondition_are_refused(
    anonymous: Client, services: Services, user: User
) -> None:
    tokens = await log_in(anonymous, user)
    client = anonymous.as_(tokens["access_token"])
    calls = {
        "login": {"json": {"email": user.email, "password": PASSWORD}},
        "token": {"data": {"username": user.email, "password": PASSWORD}},
        "refresh": {"json": {"refresh_token": tokens["refresh_token"]}},
        "logout": {},
    }
    before = await sessions_of(services, user)
    for name, options in calls.items():
        for header, value, status, code in (
            ("Idempotency-Key", "bad key", 422, "invalid_idempotency_key"),
            ("If-Match", "*", 412, "precondition_failed"),
            ("If-Match", "x", 422, "invalid_precondition"),
        ):
            answer = await client.request("POST", f"{AUTH}/{name}", headers={header: value}, **options)
            refused(answer, status, code)
    assert await sessions_of(services, user) == before
