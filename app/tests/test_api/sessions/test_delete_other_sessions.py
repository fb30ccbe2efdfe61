import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import make_user
from app.tests.test_api.sessions.devices import PATH, listed, on_device, own_id

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("long_memory")
async def test_ends_all_but_this_one_at_once(anonymous: Client, services: Services, user: User) -> None:
    here, *others = [await on_device(anonymous, user) for _ in range(4)]
    stranger = await on_device(anonymous, await make_user(services))
    for one in (here, *others, stranger):
        ok(await one.get("/api/v1/me"))
    ok(await here.delete(PATH), 204)
    for one in others:
        refused(await one.get("/api/v1/me"), 401, "invalid_token")
    assert [one["id"] for one in await listed(here)] == [await own_id(here)]
    ok(await stranger.get("/api/v1/me"))
    ok(await here.delete(PATH), 204)


async def test_without_a_login(anonymous: Client) -> None:
    refused(await anonymous.delete(PATH), 401, "authentication_required")


async def test_only_what_the_client_has_seen(anonymous: Client, user: User) -> None:
    device = await on_device(anonymous, user)
    path = PATH
    etag = (await device.get(path)).headers["etag"]
    refused(await device.delete(path, headers={"If-Match": '"other"'}), 412, "precondition_failed")
    refused(await device.delete(path, headers={"If-Match": "x"}), 422, "invalid_precondition")
    ok(await device.delete(path, headers={"If-Match": etag}), 204)
