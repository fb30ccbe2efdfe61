import pytest

from app.tests.support.clients import ok, refused
from app.tests.support.conventions import check_not_modified
from app.tests.support.factories import Workspace
from app.tests.support.openid_provider import OpenIdProvider
from app.tests.test_api.identities.browser import LINK, Browser, somebody
from app.tests.test_api.identities.conftest import Configure

pytestmark = pytest.mark.anyio
PATH = "/api/v1/me/identities"


async def test_ones_own_and_no_others(
    workspace: Workspace, provider: OpenIdProvider, configure: Configure
) -> None:
    configure()
    member, admin = workspace.member.at(""), workspace.admin.at("")
    assert ok(await member.get(PATH)) == {"items": []}
    linked = [ok(await Browser(member, provider, LINK).log_in(**somebody())) for _ in range(2)]
    listed = ok(await member.get(PATH))["items"]
    assert [one["id"] for one in listed] == [one["id"] for one in linked]
    assert ok(await admin.get(PATH)) == {"items": []}
    await check_not_modified(member, PATH)
    refused(await member.as_(None).get(PATH), 401, "authentication_required")
