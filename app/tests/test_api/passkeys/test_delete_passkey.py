import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import log_in, make_user
from app.tests.support.factors import FACTORS, PASSKEYS, add_passkey, client_of, kept_factors, use_passkey
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_it_counts_no_more(own: Client, services: Services, user: User) -> None:
    authenticator, other = Authenticator(), Authenticator()
    made = await add_passkey(own, authenticator)
    await add_passkey(own, other)
    credential = await use_passkey(own, authenticator)
    answer = await own.delete(f"{PASSKEYS}/{made['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await own.post("/api/v1/auth/passkeys", {"credential": credential}), 401, "invalid_factor")
    refused(await own.get(f"{PASSKEYS}/{made['id']}"), 404, "not_found")
    ok(await own.post("/api/v1/auth/passkeys", {"credential": await use_passkey(own, other)}), 200)
    assert len((await kept_factors(services, user))["recovery_hashes"]) == 10


async def test_recovery_codes_go_with_the_last_factor(own: Client) -> None:
    made = await add_passkey(own, Authenticator())
    ok(await own.delete(f"{PASSKEYS}/{made['id']}"), 204)
    assert ok(await own.get(FACTORS)) == {"totp": None, "passkeys": [], "recovery_codes_left": 0}


@pytest.mark.usefixtures("long_memory")
async def test_all_other_logins_end(own: Client, services: Services, user: User) -> None:
    made = await add_passkey(own, Authenticator())
    elsewhere = own.as_(await log_in(services, user))
    ok(await elsewhere.get("/api/v1/me"))
    ok(await own.delete(f"{PASSKEYS}/{made['id']}"), 204)
    refused(await elsewhere.get("/api/v1/me"), 401, "invalid_token")
    ok(await own.get("/api/v1/me"))


async def test_preconditions(own: Client) -> None:
    path = f"{PASSKEYS}/{(await add_passkey(own, Authenticator()))['id']}"
    refused(await own.delete(path, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    etag = (await own.get(path)).headers["etag"]
    ok(await own.delete(path, headers={"If-Match": etag}), 204)


async def test_anothers(own: Client, services: Services) -> None:
    other = await client_of(services, own, await make_user(services))
    theirs = await add_passkey(other, Authenticator())
    for one in (theirs["id"], new_id()):
        refused(await own.delete(f"{PASSKEYS}/{one}"), 404, "not_found")
    ok(await other.get(f"{PASSKEYS}/{theirs['id']}"))


async def test_asks_for_a_fresh_login(own: Client, clock: TestClock) -> None:
    made = await add_passkey(own, Authenticator())
    clock.forward(minutes=11)
    refused(await own.delete(f"{PASSKEYS}/{made['id']}"), 403, "reauthentication_required")
    ok(await own.get(f"{PASSKEYS}/{made['id']}"))


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.delete(f"{PASSKEYS}/{new_id()}"), 401, "authentication_required")
