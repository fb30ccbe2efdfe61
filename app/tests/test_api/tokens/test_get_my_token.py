import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import log_in, make_user
from app.tests.test_api.tokens.secrets_of import MINE, made
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_one(own: Client) -> None:
    token = await made(own)
    answer = await own.get(f"{MINE}/{token['id']}")
    assert ok(answer) == {name: value for name, value in token.items() if name != "token"}
    again = await own.get(f"{MINE}/{token['id']}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_anothers_and_none(own: Client, services: Services) -> None:
    token = await made(own)
    other = own.as_(await log_in(services, await make_user(services)))
    refused(await other.get(f"{MINE}/{token['id']}"), 404, "not_found")
    refused(await own.get(f"{MINE}/{new_id()}"), 404, "not_found")
    refused(await own.get(f"{MINE}/x"), 422, "validation_failed")


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.get(f"{MINE}/{new_id()}"), 401, "authentication_required")
