import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import check_not_modified
from app.tests.support.factors import FACTORS, PASSKEYS, add_passkey, enable_totp, kept_factors

pytestmark = pytest.mark.anyio


async def test_an_account_has_none_at_first(own: Client) -> None:
    shown = ok(await own.get(FACTORS), 200)
    assert shown == {"totp": None, "passkeys": [], "recovery_codes_left": 0}


async def test_what_there_is_without_its_secrets(own: Client, services: Services, user: User) -> None:
    secret, codes = await enable_totp(own, services)
    passkey = await add_passkey(own, Authenticator())
    answer = await own.get(FACTORS)
    shown = ok(answer)
    assert shown["totp"].keys() == {"created_at"}
    assert shown["recovery_codes_left"] == 10
    assert shown["passkeys"] == [ok(await own.get(f"{PASSKEYS}/{passkey['id']}"))]
    kept = await kept_factors(services, user)
    for hidden in (secret, *codes, kept["totp"], *kept["recovery_hashes"]):
        assert hidden not in answer.text


async def test_not_modified(own: Client) -> None:
    await check_not_modified(own, FACTORS)


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.get(FACTORS), 401, "authentication_required")
