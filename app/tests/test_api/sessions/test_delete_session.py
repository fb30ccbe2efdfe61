import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import make_user
from app.tests.test_api.auth.logins import sessions_of
from app.tests.test_api.sessions.devices import PATH, listed, on_device, own_id
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.mark.usefixtures("long_memory")
async def test_ends_one_at_once(anonymous: Client, user: User) -> None:
    here, lost, other = [await on_device(anonymous, user) for _ in range(3)]
    id_ = await own_id(lost)
    answer = await here.delete(f"{PATH}/{id_}")
    assert (answer.status_code, answer.content) == (204, b"")
    refused(await lost.get("/api/v1/me"), 401, "invalid_token")
    ok(await other.get("/api/v1/me"))
    assert id_ not in [one["id"] for one in await listed(here)]
    refused(await here.delete(f"{PATH}/{id_}"), 404, "not_found")


async def test_also_the_one_that_asks(anonymous: Client, user: User) -> None:
    device = await on_device(anonymous, user)
    answer = await device.delete(f"{PATH}/{await own_id(device)}")
    ok(answer, 204)
    assert "set-cookie" not in answer.headers
    refused(await device.get("/api/v1/me"), 401, "invalid_token")


async def test_nobody_ends_another_s(anonymous: Client, services: Services, user: User) -> None:
    victim = await on_device(anonymous, user)
    id_ = await own_id(victim)
    before = await sessions_of(services, user)
    stranger = await on_device(anonymous, await make_user(services))
    refused(await stranger.delete(f"{PATH}/{id_}"), 404, "not_found")
    refused(await anonymous.delete(f"{PATH}/{id_}"), 401, "authentication_required")
    refused(await stranger.delete(f"{PATH}/{new_id()}"), 404, "not_found")
    refused(await victim.delete(f"{PATH}/x"), 422, "validation_failed")
    assert await sessions_of(services, user) == before


async def test_only_what_the_client_has_seen(anonymous: Client, user: User) -> None:
    device = await on_device(anonymous, user)
    path = f"{PATH}/{await own_id(device)}"
    etag = (await device.get(path)).headers["etag"]
    refused(await device.delete(path, headers={"If-Match": '"other"'}), 412, "precondition_failed")
    refused(await device.delete(path, headers={"If-Match": "x"}), 422, "invalid_precondition")
    ok(await device.delete(path, headers={"If-Match": etag}), 204)
