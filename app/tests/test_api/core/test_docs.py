"""Swagger UI is served whole, from here alone."""

import re

import pytest

from app.tests.support.clients import Client

pytestmark = pytest.mark.anyio


async def test_the_page_and_all_its_parts_come_from_here(anonymous: Client) -> None:
    page = await anonymous.get("/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "https:" not in policy
    assert "script-src 'self'" in policy
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(parts) == 3
    for part in parts:
        answer = await anonymous.get(part)
        assert answer.status_code == 200, part
        assert len(answer.content) > 1000
    assert "url: '/openapi.json'" in page.text


async def test_the_authorize_button_knows_where_to_log_in(anonymous: Client) -> None:
    document = (await anonymous.get("/openapi.json")).json()
    scheme = document["components"]["securitySchemes"]["OAuth2PasswordBearer"]
    assert scheme["flows"]["password"]["tokenUrl"] == "/api/v1/auth/token"


@pytest.mark.parametrize(
    "path", ["/docs/assets/../docs.py", "/docs/assets/%2e%2e/core.py", "/docs/assets/none.js"]
)
async def test_nothing_else_can_be_read_there(anonymous: Client, path: str) -> None:
    assert (await anonymous.get(path)).status_code == 404
