from typing import Any

import pytest

from app.services.bootstrap import Services
from app.tests.support.authenticator import Authenticator
from app.tests.support.clients import Client, ok, refused
from app.tests.support.factories import make_user
from app.tests.support.factors import PASSKEYS, add_passkey, client_of
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio


@pytest.fixture
async def path(own: Client) -> str:
    return f"{PASSKEYS}/{(await add_passkey(own, Authenticator()))['id']}"


async def test_renames(own: Client, path: str) -> None:
    before = ok(await own.get(path))
    changed = ok(await own.patch(path, {"name": "Work laptop"}), 200)
    assert changed == before | {"name": "Work laptop"}
    assert ok(await own.get(path)) == changed
    assert ok(await own.patch(path, {}), 200) == changed


async def test_preconditions(own: Client, path: str) -> None:
    shown = await own.get(path)
    stale = await own.patch(path, {"name": "X"}, headers={"If-Match": '"1"'})
    assert refused(stale, 412, "precondition_failed")["current"] == shown.json()
    ok(await own.patch(path, {"name": "X"}, headers={"If-Match": shown.headers["etag"]}), 200)


async def test_anothers(own: Client, path: str, services: Services) -> None:
    other = await client_of(services, own, await make_user(services))
    refused(await other.patch(path, {"name": "Mine"}), 404, "not_found")
    refused(await own.patch(f"{PASSKEYS}/{new_id()}", {"name": "Mine"}), 404, "not_found")
    assert ok(await own.get(path))["name"] == "Laptop"


@pytest.mark.parametrize(
    "body",
    [
        {"name": None},
        {"name": ""},
        {"name": "a\nb"},
        {"name": "x" * 101},
        {"sign_count": 0},
        {"user_id": "x"},
    ],
    ids=str,
)
async def test_malformed(own: Client, path: str, body: dict[str, Any]) -> None:
    before = ok(await own.get(path))
    refused(await own.patch(path, body), 422, "validation_failed")
    assert ok(await own.get(path)) == before


async def test_without_a_login(own: Client, path: str) -> None:
    refused(await own.as_(None).patch(path, {"name": "X"}), 401, "authentication_required")
