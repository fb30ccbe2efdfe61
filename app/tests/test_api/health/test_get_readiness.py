import asyncio

import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused

pytestmark = pytest.mark.anyio


async def test_says_that_it_can_serve(anonymous: Client) -> None:
    assert ok(await anonymous.get("/health/ready"), 200) == {"status": "ready"}


async def test_until_the_database_was_made_ready(
    anonymous: Client, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_prepared", asyncio.Event())
    answer = await anonymous.get("/health/ready")
    refused(answer, 503, "database_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    refused(await anonymous.as_("x").get("/api/v1/me"), 503, "database_unavailable")
    monkeypatch.undo()
    ok(await anonymous.get("/health/ready"), 200)


async def test_while_no_primary_answers(
    anonymous: Client, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(within: float) -> bool:
        return within > 2  # whoever asks does not wait longer

    monkeypatch.setattr(services.database, "is_ready", away)
    answer = await anonymous.get("/health/ready")
    refused(answer, 503, "database_unavailable")
    assert "mongodb" not in answer.text
