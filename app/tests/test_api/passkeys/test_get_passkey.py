import pytest

from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator, encoded
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import check_not_modified
from app.tests.support.factories import make_user
from app.tests.support.factors import PASSKEYS, add_passkey, client_of
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_one_of_ones_own_without_its_key(own: Client) -> None:
    authenticator = Authenticator()
    made = await add_passkey(own, authenticator)
    answer = await own.get(f"{PASSKEYS}/{made['id']}")
    del made["recovery_codes"]
    assert ok(answer, 200) == made
    assert encoded(authenticator.credential_id) not in answer.text
    await check_not_modified(own, f"{PASSKEYS}/{made['id']}")


async def test_anothers_and_none_look_alike(own: Client, services: Services) -> None:
    other = await client_of(services, own, await make_user(services))
    theirs = await add_passkey(other, Authenticator())
    problems = [
        refused(await own.get(f"{PASSKEYS}/{one}"), 404, "not_found") for one in (theirs["id"], new_id())
    ]
    assert len({one["detail"] for one in problems}) == 1


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.get(f"{PASSKEYS}/{new_id()}"), 401, "authentication_required")
