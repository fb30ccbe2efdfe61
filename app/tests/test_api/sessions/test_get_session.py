import pytest

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import check_not_modified
from app.tests.support.factories import make_user
from app.tests.test_api.sessions.devices import PATH, listed, on_device, own_id
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


async def test_as_the_list_has_it(anonymous: Client, user: User) -> None:
    device = await on_device(anonymous, user)
    await on_device(anonymous, user)
    for one in await listed(device):
        assert ok(await device.get(f"{PATH}/{one['id']}"), 200) == one
    await check_not_modified(device, f"{PATH}/{await own_id(device)}")


async def test_another_s_login_and_none_look_alike(anonymous: Client, services: Services, user: User) -> None:
    device = await on_device(anonymous, user)
    foreign = await own_id(await on_device(anonymous, await make_user(services)))
    problems = [refused(await device.get(f"{PATH}/{id_}"), 404, "not_found") for id_ in (foreign, new_id())]
    assert problems[0] | {"request_id": ""} == problems[1] | {"request_id": ""}


async def test_malformed(anonymous: Client, user: User) -> None:
    device = await on_device(anonymous, user)
    refused(await device.get(f"{PATH}/x"), 422, "validation_failed")
