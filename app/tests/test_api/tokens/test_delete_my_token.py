import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import log_in, make_user
from app.tests.test_api.tokens.secrets_of import MINE, made
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("long_memory")
async def test_it_ends_at_once(own: Client) -> None:
    token, other = await made(own), await made(own)
    script = own.as_(token["token"])
    ok(await script.get("/api/v1/me"))
    answer = await own.delete(f"{MINE}/{token['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await script.get("/api/v1/me"), 401, "invalid_token")
    ok(await own.as_(other["token"]).get("/api/v1/me"))
    refused(await own.delete(f"{MINE}/{token['id']}"), 404, "not_found")
    assert ok(await own.get("/api/v1/me/audit"))["items"][0]["kind"] == "token.delete"


@pytest.mark.usefixtures("long_memory")
async def test_all_of_an_account_end_at_once(own: Client, services: Services, user: User) -> None:
    """Also one that was used after the logins had ended, and before the tokens did."""
    script = own.as_((await made(own))["token"])
    other = own.as_(await log_in(services, await make_user(services)))
    others = own.as_((await made(other))["token"])
    for one in (script, others):
        ok(await one.get("/api/v1/me"))
    await services.tokens.erase(user.id)
    refused(await script.get("/api/v1/me"), 401, "invalid_token")
    ok(await others.get("/api/v1/me"))


async def test_preconditions(own: Client) -> None:
    path = f"{MINE}/{(await made(own))['id']}"
    refused(await own.delete(path, headers={"If-Match": '"1"'}), 412, "precondition_failed")
    etag = (await own.get(path)).headers["etag"]
    ok(await own.delete(path, headers={"If-Match": etag}), 204)


async def test_anothers_and_none(own: Client, services: Services) -> None:
    token = await made(own)
    other = own.as_(await log_in(services, await make_user(services)))
    refused(await other.delete(f"{MINE}/{token['id']}"), 404, "not_found")
    refused(await own.delete(f"{MINE}/{new_id()}"), 404, "not_found")
    ok(await own.as_(token["token"]).get("/api/v1/me"))


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.delete(f"{MINE}/{new_id()}"), 401, "authentication_required")
