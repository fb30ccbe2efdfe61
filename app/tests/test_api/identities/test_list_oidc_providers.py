import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok
from app.tests.support.conventions import check_not_modified
from app.tests.support.openid_provider import OpenIdProvider

pytestmark = pytest.mark.anyio
PATH = "/api/v1/auth/oidc"


async def test_tells_what_a_button_needs_and_no_more(anonymous: Client, provider: OpenIdProvider) -> None:
    answer = await anonymous.get(PATH)
    assert ok(answer) == {"items": [{"id": "tests", "name": "Tests", "start": f"{PATH}/tests/start"}]}
    await check_not_modified(anonymous, PATH)
    assert provider.asked == [], "a list of buttons needs no provider"


async def test_without_providers_it_is_empty(
    anonymous: Client, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.identities, "_sources", {})
    assert ok(await anonymous.get(PATH)) == {"items": []}
