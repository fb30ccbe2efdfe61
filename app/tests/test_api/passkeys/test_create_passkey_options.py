import pytest

from app.core.security import token_hash
from app.models.passkeys import PasskeyChallenge
from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator, decoded, encoded
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factors import PASSKEYS, add_passkey

pytestmark = pytest.mark.anyio
PATH = f"{PASSKEYS}/options"


async def test_asks_for_what_can_log_in_alone(own: Client, services: Services, user: User) -> None:
    answer = await own.post(PATH)
    options = ok(answer, 200)["public_key"]
    assert answer.headers["cache-control"] == "no-store"
    assert options["rp"] == {"id": "localhost", "name": "Pastis"}
    assert decoded(options["user"]["id"]).decode() == user.id
    assert (options["user"]["name"], options["user"]["displayName"]) == (user.email, user.display_name)
    chosen = options["authenticatorSelection"]
    assert (chosen["residentKey"], chosen["userVerification"]) == ("required", "required")
    assert options["attestation"] == "none"
    assert options["excludeCredentials"] == []
    assert len(decoded(options["challenge"])) == 32
    kept = await services.database.collection(PasskeyChallenge).find_one(
        {"_id": token_hash(options["challenge"])}
    )
    assert kept is not None
    assert kept["user_id"] == user.id
    assert options["challenge"] not in str(kept)


async def test_a_device_that_has_one_is_left_out(own: Client) -> None:
    authenticator = Authenticator()
    await add_passkey(own, authenticator)
    (excluded,) = ok(await own.post(PATH))["public_key"]["excludeCredentials"]
    assert excluded["id"] == encoded(authenticator.credential_id)
    assert excluded["transports"] == ["internal"]


async def test_asks_for_a_fresh_login(own: Client, clock: TestClock) -> None:
    clock.forward(minutes=11)
    refused(await own.post(PATH), 403, "reauthentication_required")


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.post(PATH), 401, "authentication_required")
