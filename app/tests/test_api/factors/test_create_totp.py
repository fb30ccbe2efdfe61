from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET

import pyotp
import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factors import FACTORS, begin_totp, challenge, code, confirm, enable_totp, kept_factors
from app.tests.test_api.auth.logins import log_in, works

pytestmark = pytest.mark.anyio
PATH = f"{FACTORS}/totp"


async def test_gives_the_secret_in_three_forms(own: Client, user: User) -> None:
    answer = await own.post(PATH)
    made = ok(answer, 200)
    assert answer.headers["cache-control"] == "no-store"
    assert len(pyotp.TOTP(made["secret"]).byte_secret()) == 20  # RFC 4226 asks for 160 bits
    uri = urlsplit(made["uri"])
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", f"/Pastis:{user.email}")
    query = parse_qs(uri.query)
    assert query["secret"] == [made["secret"]]
    assert query["issuer"] == ["Pastis"]
    assert pyotp.parse_uri(made["uri"]).at(0) == pyotp.TOTP(made["secret"]).at(0)  # type: ignore[attr-defined] # it is one


async def test_the_qr_code_is_an_image_that_stands_alone(own: Client) -> None:
    svg = ET.fromstring(ok(await own.post(PATH))["qr_code"])
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert {element.tag.rpartition("}")[2] for element in svg.iter()} == {"svg", "g", "path"}


async def test_the_secret_is_sealed_and_does_not_count_yet(
    own: Client, anonymous: Client, services: Services, user: User
) -> None:
    secret = await begin_totp(own)
    kept = await kept_factors(services, user)
    assert kept["pending_totp"]
    assert secret not in str(kept)
    assert kept.get("totp") is None
    assert ok(await own.get(FACTORS))["totp"] is None
    assert await works(anonymous, await log_in(anonymous, user))


async def test_a_second_secret_takes_the_place_of_the_first(own: Client, services: Services) -> None:
    former = await begin_totp(own)
    await begin_totp(own)
    body = {"code": code(services, former)}
    refused(await own.post(f"{PATH}/confirm", body), 401, "invalid_factor")


async def test_a_former_secret_counts_until_the_new_one_does(
    own: Client, services: Services, user: User
) -> None:
    former, _ = await enable_totp(own, services)
    await begin_totp(own)
    ok(await confirm(own, await challenge(own, user), totp=code(services, former, 1)), 200)


async def test_asks_for_a_fresh_login(own: Client, services: Services, user: User, clock: TestClock) -> None:
    clock.forward(minutes=11)
    refused(await own.post(PATH), 403, "reauthentication_required")
    assert await kept_factors(services, user) == {}


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.post(PATH), 401, "authentication_required")
